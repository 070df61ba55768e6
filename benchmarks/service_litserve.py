"""LitServe with the network that ships, for benchmarks/service.py to compare with.

Its weights are loaded once in each worker.

    python benchmarks/service_litserve.py --port 8001 --workers 2 --weights network.pt
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import litserve
import torch
from service_peers import image_of, open_network, read


class Reader(litserve.LitAPI):
    """What LitServe calls, in this order."""

    def __init__(self, weights: Path) -> None:
        super().__init__()
        self.weights = weights

    def setup(self, device: str) -> None:
        """Once in each worker."""
        torch.set_num_threads(1)
        self.network = open_network(self.weights)

    def decode_request(self, request: dict[str, str]) -> torch.Tensor:
        """The picture of a request."""
        return image_of(request)

    def predict(self, x: torch.Tensor) -> dict[str, object]:
        """What the network says."""
        return read(self.network, x)

    def encode_response(self, output: dict[str, object]) -> dict[str, object]:
        """As JSON."""
        return output


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--weights", type=Path, required=True)
    given = parser.parse_args()
    server = litserve.LitServer(Reader(given.weights), accelerator="cpu", workers_per_device=given.workers)
    server.run(host="127.0.0.1", port=given.port, generate_client_file=False, log_level="warning")
