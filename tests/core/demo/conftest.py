from helpers.demo import demo_prefix, demo_s3, demo_server

__all__ = ["demo_prefix", "demo_s3", "demo_server"]
