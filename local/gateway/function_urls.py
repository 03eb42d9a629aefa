"""Lambda function URLs: a URL that works here, permissions as on AWS, the cloud's time in the event."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from local.context import Cloud
from local.gateway.loading import after_import

_PATH = "/_aws/lambda-url/"
_FORBIDDEN = (
    "Forbidden. For troubleshooting Function URL authorization issues, see: "
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
)
Answer = tuple[int, dict[str, Any], bytes]


def install(cloud: Cloud) -> None:
    """Hook the emulator's function URLs."""
    after_import("ministack.services.lambda_svc", lambda lambda_svc: _hook(cloud, lambda_svc))


def _hook(cloud: Cloud, lambda_svc: Any) -> None:
    lambda_svc._function_url_id = url_id
    lambda_svc._create_function_url_config = _reachable(lambda_svc._create_function_url_config, cloud)
    lambda_svc._build_function_url_event = _in_cloud_time(lambda_svc._build_function_url_event, cloud)
    lambda_svc.handle_function_url_request = _permitted(lambda_svc.handle_function_url_request)


def url_id(function_url: str) -> str:
    """The id in a function's URL, of our form (a path, because not every resolver knows ``*.localhost``) or AWS's."""
    rest = function_url.split("://", 1)[-1]
    if _PATH in rest:
        return rest.split(_PATH, 1)[1].strip("/")
    return rest.split(".", 1)[0]


def _reachable(original: Callable[..., Answer], cloud: Cloud) -> Callable[..., Answer]:
    def create(func_name: str, data: dict[str, Any], qualifier: str | None) -> Answer:
        from ministack.services import lambda_svc

        status, headers, body = original(func_name, data, qualifier)
        if status != 201:
            return status, headers, body
        config = lambda_svc._function_urls[lambda_svc._url_config_key(func_name, qualifier)]
        config["FunctionUrl"] = f"{cloud.configuration.endpoint}{_PATH}{url_id(config['FunctionUrl'])}/"
        return status, headers, json.dumps(config).encode()

    return create


def _in_cloud_time(original: Callable[..., dict[str, Any]], cloud: Cloud) -> Callable[..., dict[str, Any]]:
    def build(*arguments: Any, **more: Any) -> dict[str, Any]:
        event = original(*arguments, **more)
        now = cloud.clock.datetime()
        event["requestContext"]["time"] = now.strftime("%d/%b/%Y:%H:%M:%S +0000")
        event["requestContext"]["timeEpoch"] = int(now.timestamp() * 1000)
        if cookie := event["headers"].get("cookie"):
            event["cookies"] = [part.strip() for part in cookie.split(";")]
        return event

    return build


def _permitted(original: Callable[..., Awaitable[Answer]]) -> Callable[..., Awaitable[Answer]]:
    async def handle(*arguments: Any, resolved: Any = None, **more: Any) -> Answer:
        from ministack.services import lambda_svc

        resolved = resolved or lambda_svc.resolve_function_url(arguments[0])
        if resolved is None or (resolved[4].get("AuthType") == "NONE" and not _open_to_all(*resolved)):
            body = json.dumps({"Message": _FORBIDDEN}).encode()
            return 403, {"Content-Type": "application/json", "x-amzn-ErrorType": "AccessDeniedException"}, body
        return await original(*arguments, resolved=resolved, **more)

    return handle


def _open_to_all(account: str, region: str, name: str, qualifier: str | None, _config: dict[str, Any]) -> bool:
    """A public URL takes two statements in the function's policy: to invoke the URL, and the function through it."""
    from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy
    from ministack.services import lambda_svc

    function = lambda_svc._functions.get_scoped(account, region, name)
    if function is None:
        return False
    arn = f"arn:aws:lambda:{region}:{account}:function:{name}" + (f":{qualifier}" if qualifier else "")

    def allows(action: str, context: dict[str, str]) -> bool:
        anybody = EvalContext(
            principal_arn="anonymous",
            principal_type="Anonymous",
            principal_account="",
            action=action,
            resource_arn=arn,
            region=region,
            service_context=context,
        )
        return bool(evaluate_resource_policy(function["policy"], anybody).decision == "Allow")

    return allows("lambda:InvokeFunctionUrl", {"lambda:functionurlauthtype": "NONE"}) and allows(
        "lambda:InvokeFunction", {"lambda:invokedviafunctionurl": "true"}
    )
