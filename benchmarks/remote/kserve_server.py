"""KServe's own model server around one ONNX file: a program for KServe's environment, not for the suite's.

    PYTHON -P kserve_server.py '{"model": …, "name": …, "threads": …, "host": …, "port": …, "scheme": …, …}'

What is in force stands on standard output as one line of JSON, or why nothing is: ``{"refused": …}``. KServe decodes
and encodes as it does everywhere. Added from outside are what a page of another origin needs to ask it, its seconds
(``Server-Timing``), TLS, and an address: KServe's own start binds to all there are.
"""

import asyncio
import base64
import hashlib
import importlib.util
import ipaddress
import json
import os
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

sys.path.insert(0, os.fspath(Path(__file__).parents[2]))
from benchmarks import apart, cpu_session  # light, unlike the room that this file lies in

ASKED: dict[str, Any] = json.loads(sys.argv[1])
sys.argv[1:] = ["--configure_logging=false"]  # kserve reads the command line when it is imported

import kserve  # noqa: E402
import numpy as np  # noqa: E402
import onnxruntime  # noqa: E402
from kserve.model_server import app  # noqa: E402
from kserve.protocol.infer_type import InferInput  # noqa: E402
from kserve.protocol.rest.server import RESTServer  # noqa: E402
from kserve.utils.numpy_codec import from_np_dtype  # noqa: E402
from starlette.middleware.cors import CORSMiddleware  # noqa: E402

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

KEPT = 65  # seconds that a connection may be idle: KServe's own
REMEMBERED = 7200  # seconds that a browser may remember a preflight; Chromium's most
LASTING = timedelta(days=30)  # of a certificate
DATATYPES = {
    "tensor(bool)": "BOOL",
    "tensor(double)": "FP64",
    "tensor(float)": "FP32",
    "tensor(float16)": "FP16",
    "tensor(int8)": "INT8",
    "tensor(int16)": "INT16",
    "tensor(int32)": "INT32",
    "tensor(int64)": "INT64",
    "tensor(string)": "BYTES",
    "tensor(uint8)": "UINT8",
    "tensor(uint16)": "UINT16",
    "tensor(uint32)": "UINT32",
    "tensor(uint64)": "UINT64",
}
FLOATING = {"FP16": np.float16, "FP32": np.float32, "FP64": np.float64}


class RefusedError(Exception):
    """The file, or what was asked for, is not what can be served; in one line."""


def main() -> None:
    """Serve until somebody ends it, or the process that started it is gone."""
    apart.end_with(ASKED["parent"])
    apart.be_first_to_go()
    told = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is not for whoever started this
    try:
        model = Model(ASKED["name"], Path(ASKED["model"]), ASKED["threads"], ASKED["preparation"])
        listening = listen(ASKED["host"], ASKED["port"])
        tls = Identity(ASKED["host"], Path(ASKED["folder"])) if ASKED["scheme"] != "http" else None
        facts = model.facts() | {"port": listening.getsockname()[1]} | (tls.facts() if tls else {})
    except RefusedError as error:
        print(json.dumps({"refused": str(error)}), file=told, flush=True)
        sys.exit(1)
    print(json.dumps(facts), file=told, flush=True)  # connections are taken from now on, and answered soon
    application = assembled(model)
    if ASKED["scheme"] == "h2":
        serve_h2(application, listening, tls)
    else:
        serve(application, listening, tls)


# The model


def _pictures() -> ModuleType:
    """Return the module beside this one, without the room around it, which needs the suite's own environment."""
    found = importlib.util.spec_from_file_location("pictures", Path(__file__).with_name("pictures.py"))
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


class Model(kserve.Model):  # type: ignore[misc]
    """One ONNX file, and what becomes of pixels and pictures that are sent in its input's place."""

    def __init__(
        self, name: str, file: Path, threads: int, preparation: tuple[list[float], list[float], list[int]] | None
    ) -> None:
        super().__init__(name, return_response_headers=True)
        self._session = opened(file, threads)
        self._inputs = {given.name: given for given in self._session.get_inputs()}
        self._outputs = {answer.name: answer for answer in self._session.get_outputs()}
        self._preparation, self._pictures = preparation, _pictures()
        self.ready = True

    def facts(self) -> dict[str, Any]:
        """Return what is in force."""
        return {
            "provider": self._session.get_providers()[0],
            "threads": self._session.get_session_options().intra_op_num_threads,
            "inputs": self.get_input_types(),
            "outputs": self.get_output_types(),
        }

    def get_input_types(self) -> list[dict[str, Any]]:
        """Return the inputs as the graph declares them, for the model's metadata."""
        return [_described(given) for given in self._inputs.values()]

    def get_output_types(self) -> list[dict[str, Any]]:
        """Return the outputs, likewise."""
        return [_described(answer) for answer in self._outputs.values()]

    def predict(
        self,
        payload: kserve.InferRequest,
        headers: Mapping[str, str] | None = None,
        response_headers: MutableMapping[str, str] | None = None,
    ) -> kserve.InferResponse:
        """Answer with all outputs, and with the seconds of the inference alone, in the head and in the body.

        In KServe's event loop, as its examples do: one inference at a time.
        """
        try:
            feeds = {sent.name: self._fed(sent) for sent in payload.inputs}
            start = time.perf_counter()
            found = self._session.run([*self._outputs], feeds)
            milliseconds = round((time.perf_counter() - start) * 1e3, 4)  # alike on the wire
        except Exception as error:  # onnxruntime's exceptions share no base class, nor do those of broken requests
            raise kserve.errors.InvalidInput(" ".join(str(error).split())) from error
        if response_headers is not None:
            response_headers["server-timing"] = f"infer;dur={milliseconds}"
        return kserve.InferResponse(
            payload.id or "0",  # without one KServe's own check fails where it answers in JSON
            self.name,
            [_answer(name, array) for name, array in zip(self._outputs, found, strict=True)],
            parameters={"infer_ms": milliseconds},
            use_binary_outputs=payload.use_binary_outputs,
            requested_outputs=payload.request_outputs,
        )

    def _fed(self, sent: InferInput) -> Any:
        """Return what the graph takes for what was sent: that, or what pixels and pictures are prepared to."""
        declared = _datatype(self._inputs[sent.name].type) if sent.name in self._inputs else sent.datatype
        if sent.datatype == declared or self._preparation is None or declared not in FLOATING:
            return sent.as_numpy()
        mean, std, (height, width) = self._preparation
        if sent.datatype == "BYTES":
            pixels = np.stack([self._pictures.decode(file, len(mean), height, width) for file in sent.data])
        elif sent.datatype == "UINT8":
            pixels = sent.as_numpy()
        else:
            return sent.as_numpy()
        return self._pictures.normalise(pixels, mean, std).astype(FLOATING[declared], copy=False)


def opened(file: Path, threads: int) -> Any:
    """Open a file as server-cpu does, and check that provider and threads are in force; raise RefusedError."""
    before = cpu_session.runtime_threads()
    try:
        session = onnxruntime.InferenceSession(
            os.fspath(file), cpu_session.options(threads), providers=[cpu_session.PROVIDER]
        )
    except Exception as error:  # onnxruntime's exceptions share no base class
        raise RefusedError(" ".join(str(error).split())) from error
    provider, in_force = session.get_providers()[0], session.get_session_options().intra_op_num_threads
    if (provider, in_force) != (cpu_session.PROVIDER, threads):
        raise RefusedError(f"opened on {provider} with {in_force} threads, not on {threads} CPU thread(s)")
    after = cpu_session.runtime_threads()
    if before is not None and after is not None and (started := len(after - before)) != threads - 1:
        raise RefusedError(f"started {started} threads beside the one that asks, wanted {threads - 1}")
    return session


def _datatype(kind: str) -> str:
    if kind not in DATATYPES:
        raise RefusedError(f"the protocol has no datatype for {kind}")
    return DATATYPES[kind]


def _described(value: Any) -> dict[str, Any]:
    shape = [length if isinstance(length, int) else -1 for length in value.shape]
    return {"name": value.name, "datatype": _datatype(value.type), "shape": shape}


def _answer(name: str, array: Any) -> kserve.InferOutput:
    output = kserve.InferOutput(name, [*array.shape], from_np_dtype(array.dtype))
    output.set_data_from_numpy(array, binary_data=True)
    return output


def keep_bytes() -> None:
    """Let KServe take a file's bytes: it would read every binary BYTES tensor as UTF-8, which no picture is.

    The detour over a Python list, which all other tensors take, is what KServe costs, and is left as it is.
    """
    as_it_was = InferInput.set_data_from_numpy

    def set_data(tensor: InferInput, array: Any, binary_data: bool = True) -> None:
        if tensor.datatype == "BYTES" and not binary_data:
            tensor.data = [*array.ravel()]
        else:
            as_it_was(tensor, array, binary_data)

    InferInput.set_data_from_numpy = set_data


# The application


def assembled(model: Model) -> "Timed":
    """Return KServe's application around *model*: shared with pages of all origins, and timed."""
    keep_bytes()
    server = kserve.ModelServer(enable_grpc=False)
    server.register_model(model)
    RESTServer("kserve.model_server:app", server.dataplane, server.model_repository_extension, 0).create_application()
    app.add_middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["GET", "POST"],
        allow_headers=["Content-Type", "Inference-Header-Content-Length"],
        expose_headers=["Inference-Header-Content-Length", "Server-Timing"],
        max_age=REMEMBERED,
    )
    return Timed(app)


class Timed:
    """An ASGI application that tells how long it took (``app;dur=``), the wait for what is sent left out."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        start, waited = time.perf_counter(), 0.0

        async def received() -> Message:
            nonlocal waited
            before = time.perf_counter()
            message = await receive()
            waited += time.perf_counter() - before
            return message

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                seconds = time.perf_counter() - start - waited
                message["headers"] = [*_timed(message["headers"], seconds), (b"timing-allow-origin", b"*")]
            await send(message)

        await self._application(scope, received, sent)


def _timed(headers: Any, seconds: float) -> list[tuple[bytes, bytes]]:
    """Return *headers* with the application's time behind what Server-Timing says already."""
    told = [bytes(value) for name, value in headers if name.lower() == b"server-timing"]
    others = [(name, value) for name, value in headers if name.lower() != b"server-timing"]
    return [*others, (b"server-timing", b", ".join([*told, f"app;dur={seconds * 1e3:.4f}".encode()]))]


# The connection


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens, on a free port where *port* is 0; raise RefusedError where it cannot be had."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # every connection has it from here
    try:
        listening.bind((host, port))
    except OSError as error:
        raise RefusedError(f"cannot listen on {host}:{port}: {error.strerror}; name another port") from error
    listening.listen(2048)
    return listening


class Identity:
    """A key that is made now, and a certificate that nobody has signed for it but itself, in a *folder*."""

    def __init__(self, host: str, folder: Path) -> None:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
        certificate = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + LASTING)
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False)
            .sign(key, hashes.SHA256())
        )
        self.key_file, self.certificate_file = folder / "key.pem", folder / "certificate.pem"
        self.key_file.touch(mode=0o600)
        self.key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        self.certificate_file.write_bytes(certificate.public_bytes(Encoding.PEM))
        public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self._pin = base64.b64encode(hashlib.sha256(public).digest()).decode()

    def facts(self) -> dict[str, str]:
        """Return by what a client knows the server."""
        return {"tls_pin": self._pin, "certificate": self.certificate_file.read_text()}


def serve(application: Timed, listening: socket.socket, tls: Identity | None) -> None:
    """Answer by HTTP/1.1, with KServe's own server and its settings."""
    import uvicorn

    files = {"ssl_keyfile": tls.key_file, "ssl_certfile": tls.certificate_file} if tls else {}
    config = uvicorn.Config(
        application, log_config=None, access_log=False, timeout_keep_alive=KEPT, timeout_graceful_shutdown=1, **files
    )
    uvicorn.Server(config).run(sockets=[listening])


def serve_h2(application: Timed, listening: socket.socket, tls: Identity | None) -> None:
    """Answer by HTTP/2 over TLS, and by HTTP/1.1 who asks for that."""
    import hypercorn.asyncio
    from hypercorn.config import Config

    assert tls is not None
    config = Config()
    config.bind = [f"fd://{listening.detach()}"]
    config.keyfile, config.certfile = os.fspath(tls.key_file), os.fspath(tls.certificate_file)
    config.alpn_protocols = ["h2", "http/1.1"]
    config.keep_alive_timeout, config.graceful_timeout = KEPT, 1
    asyncio.run(hypercorn.asyncio.serve(application, config))


if __name__ == "__main__":
    main()
