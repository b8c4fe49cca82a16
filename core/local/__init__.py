"""What Strongroom keeps on this machine: profiles, keyring entries, settings, the change log."""
