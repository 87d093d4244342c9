"""What a person would have to ship: the files that a page needs of each runtime, and what a custom build saves."""
