"""The whole system on one machine: moto for AWS, a pump for Lambda, one address for page and API."""
