"""The Credentials tab: profiles and their permissions, secrets, their values and versions."""

from gui.tabs.credentials.tab import CredentialsTab

__all__ = ["CredentialsTab"]
