"""Local index of a bucket's keys: refreshed on request, searched without requests."""
