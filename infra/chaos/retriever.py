"""`python -m infra.chaos.retriever`: a retriever that may order clips at the far studio, too."""

import os
import sys

from common.worker.service import serve
from infra.chaos.far_provider import NAME, FarProvider
from infra.chaos.site import STUDIO
from retriever.main import service
from retriever.providers.registry import FACTORIES

if __name__ == "__main__":
    url = os.environ[STUDIO]
    sys.exit(serve(service({**FACTORIES, NAME: lambda _settings, _http, _client: FarProvider(url)})))
