"""A server of the Open Inference Protocol that goes wrong in a way of its own; in a thread, with the standard library.

What it answers with is computed by *model*, a function of feeds; where that is right, only the *fault* is wrong.
"""

import json
import math
import ssl
import struct
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np

from benchmarks.remote.oip import DATATYPES, DTYPES, LENGTH

# A key that everybody has, and its certificate, which no issuer that a system trusts has signed.
PEM = Path(__file__).with_name("signed-by-itself.pem")
FAULTS = (
    None,  # answers right, with binary tensors
    "json",  # answers right, and knows no binary tensors
    "no cors",  # answers right, and no pages of other origins
    "500",
    "dies",  # in the middle of its answer
    "silent",  # no answer
    "moved",  # redirects
    "shape",  # one that fits the bytes, and is not the model's
    "size",  # one that does not fit the bytes
    "unknown",  # no such model
    "not ready",
    "values",  # a little off
    "length",  # of the JSON, by the header
    "no json",
    "401",  # and repeats what it was sent
    "closes",  # the connection, after each answer, without saying so
)
INPUT, OUTPUT, MODEL = "input", "logits", "tiny"


def ones(feeds):
    """The simplest model: for each image a hundred ones."""
    return {OUTPUT: np.ones((len(feeds[INPUT]), 100), np.float32)}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_OPTIONS(self):
        self.note()
        if self.server.fault == "no cors":
            self.answer(405, b"Method Not Allowed")
        else:
            allowed = {"Access-Control-Allow-Headers": f"content-type, {LENGTH}, {self.server.allows}"}
            age = {} if self.server.lasts is None else {"Access-Control-Max-Age": self.server.lasts}
            self.answer(200, b"", allowed | age)

    def do_GET(self):
        self.note()
        fault, model = self.server.fault, f"/v2/models/{MODEL}"
        if fault == "401":
            self.refuse()
        elif fault == "moved":
            self.answer(302, b"", {"Location": "https://me:hidden@other:8443/v2?hidden"})
        elif self.path == "/v2":
            extensions = [] if fault == "json" else ["binary_tensor_data"]
            self.tell({"name": "faulty", "version": "1.0", "extensions": extensions})
        elif self.path == "/v2/models":
            self.tell({"models": [MODEL, "other"]})
        elif not self.path.startswith(model) or fault == "unknown":
            self.tell({"error": f"Model with name {self.path.split('/')[3]} does not exist."}, 404)
        elif self.path.endswith("/ready"):
            self.tell({"name": MODEL, "ready": fault != "not ready"}, 503 if fault == "not ready" else 200)
        else:
            inputs = [{"name": INPUT, "datatype": self.server.datatype, "shape": [-1, 3, 32, 32]}]
            self.tell({"name": MODEL, "inputs": inputs, "outputs": []})

    def do_POST(self):
        self.note()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        match self.server.fault:
            case "silent":
                self.server.closing.wait()
                self.close_connection = True
            case "500":
                self.tell({"error": "the model fell over"}, 500)
            case "unknown":
                self.tell({"error": f"Model with name {MODEL} does not exist."}, 404)
            case "401":
                self.refuse()
            case fault:
                self.infer(body, fault)

    def infer(self, body, fault):
        length = self.headers[LENGTH]
        if fault == "json" and length is not None:
            self.tell({"detail": "there was an error parsing the body"}, 500)
            return
        outputs = self.server.model(read(body, length))
        if fault == "values":
            outputs = {name: array + array.dtype.type(0.5) for name, array in outputs.items()}
        content, size = written(outputs, fault, binary=length is not None)
        headers = {"Server-Timing": "infer;dur=1.5, app;dur=2.5"}
        if size is not None:
            headers[LENGTH] = str(size)
        self.answer(200, content, headers, whole=fault != "dies")
        if fault == "closes":
            self.close_connection = True

    def refuse(self):
        self.tell({"error": f"not allowed: {self.headers['Authorization']} {self.headers['X-Secret']}"}, 401)

    def tell(self, told, status=200):
        self.answer(status, json.dumps(told).encode(), {"Content-Type": "application/json"})

    def answer(self, status, content, headers=None, *, whole=True):
        self.send_response(status)
        for name, value in ((headers or {}) | self.shared()).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content if whole else content[: len(content) // 2])
        self.wfile.flush()
        if not whole:
            self.close_connection = True

    def shared(self):
        if self.server.fault == "no cors":
            return {}
        exposed = {"Access-Control-Expose-Headers": f"{LENGTH}, Server-Timing"}
        return {"Access-Control-Allow-Origin": "*", "Timing-Allow-Origin": "*"} | exposed

    def note(self):
        self.server.seen.append((self.command, self.path, dict(self.headers)))

    def log_message(self, *words):
        pass


def read(body, length):
    """Return the feeds of a request."""
    size = len(body) if length is None else int(length)
    feeds, rest = {}, body[size:]
    for tensor in json.loads(body[:size])["inputs"]:
        if tensor["datatype"] == "BYTES":
            (count,) = struct.unpack("<I", rest[:4])
            feeds[tensor["name"]], rest = np.array([rest[4 : 4 + count]], object), rest[4 + count :]
            continue
        dtype = np.dtype(DTYPES[tensor["datatype"]])
        if "data" in tensor:
            values = np.array(tensor["data"], dtype)
        else:
            values = np.frombuffer(rest, dtype, math.prod(tensor["shape"]))
            rest = rest[values.nbytes :]
        feeds[tensor["name"]] = values.reshape(tensor["shape"])
    return feeds


def written(outputs, fault, *, binary):
    """Return an answer's body, and how long the JSON before its tensors is, None where there are none."""
    tensors = [
        {"name": name, "shape": shape_of(array, fault), "datatype": DATATYPES[array.dtype]}
        | ({"parameters": {"binary_data_size": array.nbytes}} if binary else {"data": array.ravel().tolist()})
        for name, array in outputs.items()
    ]
    head = json.dumps({"id": "0", "model_name": MODEL, "outputs": tensors}).encode()
    if fault == "no json":
        head = b"<html>" + head
    if not binary:
        return head, None
    content = head + b"".join(array.tobytes() for array in outputs.values())
    return content, len(content) + 1 if fault == "length" else len(head)


def shape_of(array, fault):
    match fault:
        case "shape":
            return [*array.shape, 1]
        case "size":
            return [*array.shape[:-1], array.shape[-1] + 1]
    return [*array.shape]


class Faulty(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, fault, model, datatype, allows, tls, lasts):
        assert fault in FAULTS
        super().__init__(("127.0.0.1", 0), Handler)
        self.fault, self.model, self.datatype, self.allows = fault, model, datatype, allows
        self.lasts = lasts
        self.seen, self.closing = [], threading.Event()
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(PEM)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.origin = f"{'https' if tls else 'http'}://127.0.0.1:{self.server_port}"

    def shutdown_request(self, request):
        with suppress(OSError):  # a client that trusts it not
            super().shutdown_request(request)

    def handle_error(self, request, client_address):
        """Say nothing: who is tested says it."""


@contextmanager
def faulty(fault=None, model=ones, datatype="FP32", allows="authorization", tls=False, lasts="7200"):
    """Answer with a *fault* until the context ends; ``seen`` holds all requests, method, path and headers."""
    with Faulty(fault, model, datatype, allows, tls, lasts) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()
            thread.join()
