"""How much is where: one pass over the listing engine, grouped while it goes by."""
