"""One strategy for each kind of rotation; `STRATEGIES` lists them."""
