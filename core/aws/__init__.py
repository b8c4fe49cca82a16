"""Access to AWS: sessions, clients, limits, and the translation of errors.

Importing this package redacts secrets from the logs of the AWS libraries at every level.
"""

from core.aws.logs import protect_logs

protect_logs()
