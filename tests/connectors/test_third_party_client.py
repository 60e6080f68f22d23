"""A client nobody here wrote (`georeport` on PyPI) reads the stand-in city and what we filed there.

It only reads: of filing, the specification's own examples in recorded/ are the judge.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import uvicorn
from georeport import GeoReport

from connectors.capabilities import ComplaintDraft, Place
from connectors.client import Client
from connectors.conformance import kit
from connectors.sandbox.app import create_app
from connectors.sandbox.settings import SandboxSettings

KEY = "kunci-untuk-uji"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The stand-in city on a port of its own."""
    folder: Path = tmp_path_factory.mktemp("kota")
    app = create_app(SandboxSettings(database=folder / "kota.db", api_key=KEY))
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.02)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}/open311/v2"
    server.should_exit = True
    thread.join(10)
    with contextlib.suppress(OSError):
        listening.close()


@pytest.fixture(params=["json", "xml"])
def client(address: str, request: pytest.FixtureRequest) -> GeoReport:
    return GeoReport(address, api_key=KEY, output_format=request.param)


def test_it_lists_the_services_and_what_one_asks(client: GeoReport):
    services = {service["service_code"]: service for service in client.get_service_list()}
    assert str(services["hewan"]["metadata"]).lower() == "true"
    definition = client.get_service_definition("hewan")
    asked = definition["attributes"]
    first = asked["attribute"][0] if isinstance(asked, dict) else asked[0]
    assert (first["code"], first["datatype"]) == ("JENIS", "singlevaluelist")


async def test_it_reads_what_we_filed_in_either_format(client: GeoReport, address: str):
    ours = Client()
    desk = kit.open311_app(address, KEY, ours)
    draft = ComplaintDraft("t-1", "sampah", "Sampah menumpuk", Place("Pasar Tanjung", -7.4722, 112.4381))
    number = (await desk.submit_complaint(draft)).reference
    await ours.close()
    one = client.get_service_request(number)
    assert (one["service_request_id"], one["status"], one["service_code"]) == (number, "open", "sampah")
    assert (float(one["lat"]), one["description"]) == (-7.4722, "Sampah menumpuk")
    listed = client.get_service_requests(service_code="sampah", status="open")
    several = listed if isinstance(listed, list) else [listed]
    assert [item["service_request_id"] for item in several] == [number]


def test_a_refusal_is_one_to_it(client: GeoReport):
    with pytest.raises(requests.HTTPError) as raised:
        client.get_service_request("MJK-2611-999999")
    assert raised.value.response.status_code == 404
