"""Thin adapters from plain data to Qt's item models."""
