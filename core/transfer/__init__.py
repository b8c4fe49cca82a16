"""Many files up and many objects down: planned first, then carried by the engine process."""
