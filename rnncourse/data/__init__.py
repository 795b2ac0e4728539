"""Data that needs no download. One file per kind; larger optional sets would be fetched with a checksum."""
