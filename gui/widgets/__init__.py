"""The small pieces every view is made of; they know the theme and nothing of S3."""
