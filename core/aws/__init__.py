"""The boundary to AWS: sessions, clients, limits, and foreign errors turned into ours.

Importing it keeps secrets out of the logs of the AWS libraries, whatever their level.
"""

from core.aws.logs import protect_logs

protect_logs()
