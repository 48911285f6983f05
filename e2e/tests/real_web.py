"""A small web server in pods, that tells its node, uses CPU or sends bytes as asked."""

from __future__ import annotations

from typing import Any, Final

from cluster.real.python_image import PYTHON_IMAGE

SERVER: Final = """
import http.server, os, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        what, _, number = self.path.strip("/").partition("/")
        body = os.environ.get("NODE", "").encode()
        if what == "work":
            begun, used = time.monotonic(), time.thread_time()
            while time.thread_time() - used < float(number): sum(range(1000))
            body = str(time.monotonic() - begun).encode()
        if what == "bytes":
            body = bytes(int(number))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words): pass
http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
"""


def deployment(name: str, replicas: int) -> dict[str, Any]:
    """A Deployment of the server, a replica per node at most, with a readiness probe."""
    labels = {"app": name}
    container = {
        "name": "web",
        "image": PYTHON_IMAGE,
        "args": ["-c", SERVER],
        "ports": [{"containerPort": 8080}],
        "env": [{"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
        "readinessProbe": {"httpGet": {"port": 8080, "path": "/"}, "periodSeconds": 1},
    }
    spread = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": labels},
    }
    pod = {"containers": [container], "topologySpreadConstraints": [spread], "terminationGracePeriodSeconds": 1}
    template = {"metadata": {"labels": labels}, "spec": pod}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
    }


def service(name: str) -> dict[str, Any]:
    """A Service before the server."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": 8080}]},
    }
