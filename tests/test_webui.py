"""The page over HTTP: what an upload gives, what is refused and how, and that nothing takes the server down."""

from __future__ import annotations

import io
import pickle
import re
import socket
import threading
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from commands import run_here
from doc_pages import blocks_of
from inference_parts import walk
from test_web_page import EVIL, Parts, content, decode
from webui_parts import alive, archive_of, ask, bvh, upload

from mmgaitemo.archive import ArchiveInfo, ArchiveWriter
from mmgaitemo.evaluation import knn_scores
from mmgaitemo.skeleton import EGAIT16
from mmgaitemo.webui import WalkServer, uploads
from mmgaitemo.webui.result_page import nearest

pytestmark = pytest.mark.usefixtures("small_pictures")


def test_an_upload_becomes_a_page_with_answer_walk_reasons_and_neighbours(server: WalkServer) -> None:
    status, answer = upload(server, "lab/walk 1.bvh", bvh())
    assert status == 200, answer
    status, text, headers = ask(server, "GET", answer["result"])
    (prediction,) = server.inferencer([walk(4.0)], rate=30.0)
    assert status == 200 and headers["Cache-Control"] == "no-store"
    parts = Parts(text)
    assert "walk 1" in parts.text and "lab/" not in parts.text
    for name, value in zip(prediction.classes, prediction.probabilities, strict=True):
        assert name in parts.text and f"{value:.2f}" in parts.text
    (frame,) = (known["srcdoc"] for tag, known in parts.tags if tag == "iframe")
    (shown,) = content(frame)["walks"]
    assert shown["about"] == f"{prediction.likeliest} {prediction.confidence:.2f}"
    found = decode(shown["views"][0]["positions"], (len(prediction.positions), EGAIT16.num_joints, 3))
    scale = np.ptp(found) / np.ptp(prediction.positions)  # centimetres
    np.testing.assert_allclose(found, scale * prediction.positions, atol=0.05)
    rows = nearest(server.inferencer.published.neighbours, torch.from_numpy(prediction.features))
    assert len(rows) == 5 and all(name in parts.text for name, _, _ in rows)
    assert sum(tag == "img" for tag, _ in parts.tags) == 1


def test_the_report_is_the_same_page_without_addresses_of_the_server(server: WalkServer) -> None:
    _, answer = upload(server, "a.bvh", bvh())
    _, page, _ = ask(server, "GET", answer["result"])
    status, report, headers = ask(server, "GET", f"{answer['result']}/report.html")
    assert status == 200 and headers["Content-Disposition"] == 'attachment; filename="report.html"'
    addresses = [known["href"] for _, known in Parts(report).tags if "href" in known]
    assert all(address.startswith("#part") for address in addresses) and "/results/" not in report
    links = [known["href"] for _, known in Parts(page).tags if "href" in known]
    assert links == [*addresses, f"{answer['result']}/report.html", "/"]
    assert Parts(page).text.replace("Download this page\nAnother recording\n", "") == Parts(report).text


def test_all_recordings_of_an_archive_are_shown_and_what_is_refused_of_it_is_said(
    server: WalkServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ArchiveWriter(tmp_path / "w.gait.h5", ArchiveInfo("egait16", "m", "y", rate=30.0)) as archive:
        for number in range(3):
            archive.append(walk(3.0, seed=number), id=EVIL[number])
        archive.append(walk(3.0)[..., [0, 2, 1]], id="lying")
    _, answer = upload(server, "w.gait.h5", tmp_path / "w.gait.h5")
    _, text, _ = ask(server, "GET", answer["result"])
    parts = Parts(text)
    assert all(f"What carried it, {number + 1}: {EVIL[number]}" in parts.text for number in range(3))
    assert "lying" in parts.text and not {"script", "onerror"} & {n for tag, k in parts.tags for n in (tag, *k)}
    monkeypatch.setattr("mmgaitemo.webui.server.MOST", 2)
    _, answer = upload(server, "w.gait.h5", tmp_path / "w.gait.h5")
    _, text, _ = ask(server, "GET", answer["result"])
    assert "Only the first 2 recordings are shown" in text and text.count("<h3>") == 2


def test_what_a_table_does_not_say_the_user_says(server: WalkServer) -> None:
    file = io.BytesIO()
    np.save(file, walk(4.0)[..., [2, 0, 1]])
    status, answer = upload(server, "w.npy", file.getvalue())
    assert status == 422 and "rate" in answer["error"]
    status, answer = upload(server, "w.npy", file.getvalue(), "&rate=30&up=z")
    assert status == 200
    (expected,) = server.inferencer([walk(4.0)], rate=30.0)
    assert f"{expected.likeliest} {expected.confidence:.2f}" in ask(server, "GET", answer["result"])[1]
    for said, words in (("rate=fast", "is no number"), ("up=w", "is no axis"), ("skeleton=x", "no such layout")):
        status, answer = upload(server, "w.npy", file.getvalue(), f"&{said}")
        assert status == 422 and words in answer["error"] and "Remedy" in answer["error"]


def evil_pickle() -> bytes:
    return pickle.dumps({"a": np.zeros(3)})


def torch_file() -> bytes:
    file = io.BytesIO()
    torch.save({"state_dict": {}}, file)
    return file.getvalue()


REFUSED = {
    "weights": ("model.pth", torch_file(), r"model\.pth: is refused, because such a file can run code.*\.bvh"),
    "pickle": ("walk.pkl", evil_pickle(), "can run code"),
    "program": ("walk.EXE", b"MZ\0\0", "can run code"),
    "picture": ("walk.png", b"\x89PNG", r"is no recording by its name.*\.png"),
    "no name": ("", b"x", "is no recording by its name"),
    "weights named as arrays": ("w.npz", torch_file(), "holds more than arrays.*data.pkl"),
    "pickle named as text": ("w.bvh", evil_pickle(), "is no text"),
    "program named as table": ("w.csv", b"\x7fELF\x02\0\0", "is no text"),
    "windows program": ("w.json", b"MZ plain", "is no text"),
    "script": ("w.csv", b"#!/bin/sh\nrm -rf ~\n", "is no text"),
    "pickle named as array": ("w.npy", evil_pickle(), "does not begin as .npy"),
    "object array": ("w.npz", archive_of(a_npy=b"\x93NUMPY\1\0v\0{'descr': '|O'"), "w.npz"),
    "table named as archive": ("w.h5", b"a,b\n1,2\n", "does not begin as .h5"),
    "torn archive": ("w.h5", b"\x89HDF\r\n\x1a\n torn", "is damaged"),
    "empty": ("w.bvh", b"", "w.bvh: is empty. Found: 0 bytes"),
    "broken BVH": ("w.bvh", bvh()[:900].encode(), r"w\.bvh.*Remedy"),
    "BVH of numbers that are none": ("w.bvh", bvh().replace("Frames: 120", "Frames: x").encode(), r"w\.bvh.*Remedy"),
    "no walk": ("w.json", b"{}", r"w\.json.*Remedy"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_recording_is_refused_in_plain_words_and_the_server_goes_on(
    server: WalkServer, case: str, tmp_path: Path
) -> None:
    name, data, words = REFUSED[case]
    kept = list(server.results)
    status, answer = upload(server, name, data)
    assert status == 422, answer
    assert re.search(words, answer["error"]), answer["error"]
    assert "/tmp" not in answer["error"] and "Traceback" not in answer["error"]
    assert list(server.results) == kept and alive(server)


def test_two_hundred_megabytes_are_refused_in_words_and_nothing_of_them_is_kept(server: WalkServer) -> None:
    status, answer = upload(server, "long.bvh", bytes(200_000_000))
    assert status == 413 and "is too large: uploads are limited to 50 MB. Found: 200 MB" in answer["error"]
    assert alive(server)


def test_arrays_that_unpack_to_too_much_or_lie_in_other_files_are_refused(
    server: WalkServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "UNPACKED", 1_000_000)
    status, answer = upload(server, "bomb.npz", archive_of(a_npy=bytes(2_000_000)))
    assert status == 422 and "unpacks to more than 1 MB" in answer["error"]
    with h5py.File(tmp_path / "bomb.h5", "w") as file:
        file.create_dataset("deep/inside", shape=(1_000_000,), dtype="f4", chunks=True, compression="gzip")
    status, answer = upload(server, "bomb.h5", tmp_path / "bomb.h5")
    assert status == 422 and "unpacks to more than 1 MB" in answer["error"]
    (tmp_path / "secret").write_bytes(bytes(80))
    with h5py.File(tmp_path / "link.h5", "w") as file:
        file["positions"] = h5py.ExternalLink(str(tmp_path / "bomb.h5"), "/deep/inside")
    with h5py.File(tmp_path / "outside.h5", "w") as file:
        file.create_dataset("positions", (10,), "f8", external=[(str(tmp_path / "secret"), 0, 80)])
    with h5py.File(tmp_path / "virtual.h5", "w") as file:
        layout = h5py.VirtualLayout((10,), "f4")
        layout[:] = h5py.VirtualSource(str(tmp_path / "bomb.h5"), "deep/inside", (1_000_000,))[:10]
        file.create_virtual_dataset("positions", layout)
    for name in ("link.h5", "outside.h5", "virtual.h5"):
        status, answer = upload(server, name, tmp_path / name)
        assert status == 422 and "points to another file" in answer["error"], name
    assert alive(server)


def test_other_web_sites_can_neither_send_nor_read(server: WalkServer) -> None:
    port = server.server_port
    for method in ("GET", "POST"):
        for headers in (
            {"Host": f"evil.example:{port}"},
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Host": ""},
        ):
            status, text, _ = ask(server, method, "/", b"" if method == "POST" else None, **headers)
            assert status == 403 and "Drop a file" not in text, (method, headers)
    for host in (f"127.0.0.1:{port}", f"localhost:{port}"):
        assert ask(server, "GET", "/", Host=host, Origin=f"http://{host}")[0] == 200
    assert "Access-Control-Allow-Origin" not in ask(server, "GET", "/")[2]


def test_results_are_kept_for_a_while_and_their_addresses_cannot_be_guessed(
    server: WalkServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mmgaitemo.webui.server.KEPT", 1)
    first, second = (upload(server, "a.bvh", bvh())[1]["result"] for _ in range(2))
    assert ask(server, "GET", second)[0] == 200 and len(second.rpartition("/")[2]) >= 20
    for gone in (first, f"{first}/report.html", "/results/../../etc/passwd", "/nothing", f"{second}/other"):
        status, text, _ = ask(server, "GET", gone)
        assert status == 404 and "There is no such page" in text


def test_a_fault_of_the_program_a_silent_sender_and_one_that_hangs_up_leave_it_running(
    server: WalkServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("of the program")

    with monkeypatch.context() as patch:
        patch.setattr("mmgaitemo.webui.server.result_sections", fail)
        status, answer = upload(server, "a.bvh", bvh())
    assert status == 500 and "ZeroDivisionError" in answer["error"] and "of the program" in caplog.text
    head = b"POST /walks?name=a.bvh HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5000\r\n\r\nHIERARCHY"
    lines = []
    for end in (socket.SHUT_WR, None):
        line = socket.create_connection(("127.0.0.1", server.server_port))
        line.sendall(head)
        if end is not None:
            line.shutdown(end)
            assert b"came only in part" in b"".join(iter(lambda line=line: line.recv(9999), b""))
        lines.append(line)
    assert alive(server)
    for line in lines:
        line.close()
    assert upload(server, "a.bvh", bvh())[0] == 200


def test_uploads_at_the_same_time_get_their_own_results(server: WalkServer) -> None:
    found: dict[str, str] = {}

    def send(name: str) -> None:
        found[name] = upload(server, f"{name}.bvh", bvh())[1]["result"]

    threads = [threading.Thread(target=send, args=(f"walk{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({*found.values()}) == 4
    for name, address in found.items():
        assert f"<h1>{name}.bvh</h1>" in ask(server, "GET", address)[1]


def test_the_neighbours_are_those_that_vote_in_the_knn_probe(server: WalkServer) -> None:
    bank = server.inferencer.published.neighbours
    query = torch.randn(bank.features.shape[1], generator=torch.Generator().manual_seed(1))
    rows = nearest(bank, query)
    votes = knn_scores(bank.features, torch.arange(20), query[None], 20, k=5, temperature=0.1)[0]
    assert [name for name, _, _ in rows] == [bank.ids[place] for place in votes.argsort(descending=True)[:5]]
    expected = (torch.tensor([near for _, _, near in rows]) / 0.1).softmax(0)
    torch.testing.assert_close(votes.sort(descending=True).values[:5], expected)


def test_it_listens_to_this_machine_alone_unless_told_otherwise(server: WalkServer) -> None:
    assert server.local and server.url == f"http://127.0.0.1:{server.server_port}/"
    with WalkServer(server.inferencer, "0.0.0.0", 0) as open_to_all:
        assert not open_to_all.local


def test_the_command_of_docs_webui_serves_the_demonstration_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (block,) = blocks_of("docs/webui.md")
    python, tool, *options = block.text.split()
    served = []
    monkeypatch.setattr(WalkServer, "serve_forever", lambda self: served.append((self.url, self.start_page)))
    done = run_here(tool, *options, "--port", 0, cwd=tmp_path)
    assert python == "python" and done.returncode == 0, done.stderr
    ((url, page),) = served
    assert f"open {url} in a browser" in done.stdout and "trained on synthetic walkers alone" in page


def test_the_tool_says_what_is_wrong(tmp_path: Path) -> None:
    done = run_here("tools/webui.py", "--model", "none.pth", cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.startswith("error: none.pth: ") and "Remedy" in done.stderr
