"""The register map, symbolic access to it, and converters as registers."""
