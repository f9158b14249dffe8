"""The rules of the pipeline, pure: no AWS, no arrays, no clock."""
