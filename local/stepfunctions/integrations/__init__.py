"""What a Task state can call: AWS APIs, as themselves (aws-sdk) or through Step Functions' optimised integrations."""
