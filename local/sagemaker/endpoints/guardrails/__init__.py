"""Deployment guardrails: how an update moves traffic to a new fleet step by step, and back when an alarm sounds.

https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html
"""
