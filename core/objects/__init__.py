"""Operations on single objects and listings of S3."""
