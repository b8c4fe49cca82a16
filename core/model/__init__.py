"""Frozen values that cross the floors; one module an area, no behaviour but derived facts."""
