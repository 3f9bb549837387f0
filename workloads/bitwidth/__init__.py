"""One weight bitwidth to rule them all: networks of few bits and more channels, all of one size."""
