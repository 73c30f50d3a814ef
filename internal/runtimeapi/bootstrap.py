"""Runs a Lambda function of the Python runtimes: asks the Runtime API for
events and calls the handler, as AWS's runtimes do."""

import decimal
import http.client
import importlib
import json
import logging
import os
import sys
import time
import traceback

API = os.environ["AWS_LAMBDA_RUNTIME_API"]
ROOT = "/2018-06-01/runtime/"
JSON = os.environ.get("AWS_LAMBDA_LOG_FORMAT") == "JSON"
request_id = ""


class Identity:
    cognito_identity_id = None
    cognito_identity_pool_id = None


class Client:
    pass


class ClientContext:
    def __init__(self, doc):
        self.client = Client()
        for name in ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name"):
            setattr(self.client, name, (doc.get("client") or {}).get(name))
        self.custom = doc.get("custom")
        self.env = doc.get("env")


class Context:
    def __init__(self, headers):
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.identity = Identity()
        client = headers.get("Lambda-Runtime-Client-Context")
        self.client_context = ClientContext(json.loads(client)) if client else None
        self._deadline = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self):
        return max(0, self._deadline - int(time.time() * 1000))

    def log(self, message):
        sys.stdout.write(str(message))


class Encoder(json.JSONEncoder):
    def default(self, o):
        if isinstance(o, decimal.Decimal):
            return float(o)
        return super().default(o)


class RequestFilter(logging.Filter):
    def filter(self, record):
        record.aws_request_id = request_id
        return True


class TextFormatter(logging.Formatter):
    """What has several lines stays one event: its lines end with \\r until the last."""

    def __init__(self):
        super().__init__("[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s", "%Y-%m-%dT%H:%M:%S")
        self.converter = time.gmtime

    def format(self, record):
        return super().format(record).replace("\n", "\r")


class JSONFormatter(logging.Formatter):
    """One object for each record, with what its caller gave as extra."""

    own = set(vars(logging.makeLogRecord({}))) | {"aws_request_id", "message", "asctime"}

    def format(self, record):
        document = {"timestamp": timestamp(record.created), "level": record.levelname, "message": record.getMessage(), "logger": record.name}
        if request_id:
            document["requestId"] = request_id
        if record.exc_info and record.exc_info[0]:
            kind, error, trace = record.exc_info
            document.update(errorType=kind.__name__, errorMessage=str(error), stackTrace=traceback.format_tb(trace),
                            location="%s:%s:%s" % (record.pathname, record.funcName, record.lineno))
        document.update((k, v) for k, v in vars(record).items() if k not in self.own and k not in document)
        return json.dumps(document, default=str, ensure_ascii=False)


def timestamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class Unusable(Exception):
    """The handler cannot be had."""

    def __init__(self, kind, message, trace=()):
        super().__init__(message)
        self.kind, self.trace = kind, list(trace)


connection = http.client.HTTPConnection(API)


def call(method, path, body=None, headers=None):
    connection.request(method, ROOT + path, body, headers or {})
    answer = connection.getresponse()
    return answer.headers, answer.read()


def post(path, document, kind):
    call("POST", path, json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass"),
         {"Content-Type": "application/json", "Lambda-Runtime-Function-Error-Type": kind})


def own_frames(error):
    """The stack without this file's frames and the import system's."""
    frames = traceback.extract_tb(error.__traceback__)
    kept = [f for f in frames if f.filename not in (__file__, importlib.__file__) and not f.filename.startswith("<frozen importlib")]
    return traceback.format_list(kept)


def load(name):
    try:
        module, function = name.rsplit(".", 1)
    except ValueError as e:
        raise Unusable("Runtime.MalformedHandlerName", "Bad handler '%s': %s" % (name, e))
    module = module.replace("/", ".")
    if module.split(".")[0] in sys.builtin_module_names:
        raise Unusable("Runtime.BuiltInModuleConflict", "Cannot use built-in module %s as a handler module" % module)
    try:
        loaded = importlib.import_module(module)
    except ImportError as e:
        raise Unusable("Runtime.ImportModuleError", "Unable to import module '%s': %s" % (module, e))
    except SyntaxError as e:
        raise Unusable("Runtime.UserCodeSyntaxError", "Syntax error in module '%s': %s" % (module, e),
                       ['  File "%s" Line %s\n    %s' % (e.filename, e.lineno, e.text)])
    try:
        return getattr(loaded, function)
    except AttributeError:
        raise Unusable("Runtime.HandlerNotFound", "Handler '%s' missing on module '%s'" % (function, module))


def tell(document):
    if JSON:
        print(json.dumps({"timestamp": timestamp(time.time()), "log_level": "ERROR", **document}, ensure_ascii=False))
        return
    lines = ["[ERROR] %s: %s" % (document["errorType"], document["errorMessage"])]
    if document["stackTrace"]:
        lines.append("Traceback (most recent call last):")
        lines += ["".join(document["stackTrace"]).rstrip("\n")]
    print("\n".join(lines).replace("\n", "\r"))


def failed(error, kind=None):
    document = {"errorMessage": str(error), "errorType": kind or type(error).__name__,
                "requestId": request_id, "stackTrace": own_frames(error)}
    tell(document)
    return document


def main():
    global request_id
    print("INIT_START Runtime Version: python:%d.%d.%d" % sys.version_info[:3])
    opt = sys.argv.pop() + "/python"
    version = os.environ.get("AWS_EXECUTION_ENV", "").rpartition("_")[2]
    sys.path[:] = [os.environ.get("LAMBDA_TASK_ROOT", os.getcwd()), "%s/lib/%s/site-packages" % (opt, version), opt] + \
        [p for p in sys.path if p != os.path.dirname(__file__)]
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JSONFormatter() if JSON else TextFormatter())
    handler.addFilter(RequestFilter())
    logging.getLogger().addHandler(handler)
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "")
    if JSON and level:
        logging.getLogger().setLevel({"TRACE": "DEBUG", "FATAL": "CRITICAL"}.get(level, level))
    try:
        function = load(os.environ.get("_HANDLER", ""))
    except Unusable as e:
        document = {"errorMessage": str(e), "errorType": e.kind, "requestId": "", "stackTrace": e.trace}
        tell(document)
        post("init/error", document, e.kind)
        sys.exit(1)
    except Exception as e:
        document = failed(e)
        post("init/error", document, document["errorType"])
        sys.exit(1)
    while True:
        headers, event = call("GET", "invocation/next")
        request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        os.environ["_X_AMZN_TRACE_ID"] = headers.get("Lambda-Runtime-Trace-Id") or ""
        place = "invocation/" + request_id
        try:
            result = function(json.loads(event), Context(headers))
        except Exception as e:
            document = failed(e)
            post(place + "/error", document, document["errorType"])
            continue
        try:
            body = json.dumps(result, cls=Encoder, ensure_ascii=False).encode("utf-8")
        except Exception as e:
            document = {"errorMessage": "Unable to marshal response: %s" % e, "errorType": "Runtime.MarshalError",
                        "requestId": request_id, "stackTrace": []}
            tell(document)
            post(place + "/error", document, "Runtime.MarshalError")
            continue
        call("POST", place + "/response", body, {"Content-Type": "application/json"})


if __name__ == "__main__":
    main()
