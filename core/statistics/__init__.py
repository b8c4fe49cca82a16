"""Storage statistics: sizes and counts by group, from one listing of the bucket."""
