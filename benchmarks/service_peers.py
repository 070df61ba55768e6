"""A plain way to serve the network that ships, for benchmarks/service.py to compare with.

A FastAPI handler that loads the weights for each request, as sketch services often do. It gets base64 in JSON, prepares
the picture as digitkit does, and reads it with torch; nothing is limited, logged or counted. `weights` writes a file of
weights for it, and for service_litserve.py.

    python benchmarks/service_peers.py plain --port 8001 --workers 2 --weights network.pt
"""

import argparse
import base64
import io
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from digitkit.export.graph import Graph
from digitkit.learn.compose import compose
from digitkit.learn.network import build_network

MEAN, STD = [0.13], [0.31]


def new_network() -> torch.nn.Module:
    """Preparation and network of the bundle that ships, with other weights: they cost the same."""
    recipe = compose(["experiment=default"])
    return Graph(recipe.prepare, build_network(recipe, 10, MEAN, STD)).eval()


def open_network(weights: Path) -> torch.nn.Module:
    """The network with the weights of a file."""
    network = new_network()
    network.load_state_dict(torch.load(weights, weights_only=True))
    return network


def image_of(asked: dict[str, str]) -> torch.Tensor:
    """A picture as uint8 (1,H,W,3)."""
    picture = Image.open(io.BytesIO(base64.b64decode(asked["picture"]))).convert("RGB")
    return torch.from_numpy(np.array(picture))[None]


def read(network: torch.nn.Module, image: torch.Tensor) -> dict[str, object]:
    """The answer for one image."""
    with torch.inference_mode():
        probabilities = network(image).probabilities[0].tolist()
    return {"label": int(np.argmax(probabilities)), "probabilities": probabilities}


def plain_app(weights: Path) -> Any:
    """The handler that loads its weights per request."""
    from fastapi import FastAPI

    torch.set_num_threads(1)
    app = FastAPI()

    @app.post("/predict")
    def predict(asked: dict[str, str]) -> dict[str, object]:
        return read(open_network(weights), image_of(asked))

    return app


def serve_plain(port: int, workers: int, weights: Path) -> None:
    """Run it with several processes that share the port."""
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    config = uvicorn.Config(
        partial(plain_app, weights), factory=True, port=port, workers=workers, log_level="warning",
        timeout_worker_healthcheck=60,
    )  # fmt: skip
    Multiprocess(config, sockets=[config.bind_socket()]).run()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("peer", choices=("plain", "weights"))
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--weights", type=Path, required=True)
    given = parser.parse_args()
    if given.peer == "weights":
        torch.save(new_network().state_dict(), given.weights)
    else:
        serve_plain(given.port, given.workers, given.weights)
