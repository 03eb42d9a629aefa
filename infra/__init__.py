"""The product as CloudFormation templates: one stack per concern, synthesised with the CDK."""
