"""The boundary to AWS: sessions, clients, limits, and foreign errors turned into ours."""
