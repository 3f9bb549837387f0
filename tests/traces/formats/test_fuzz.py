"""Whatever bytes a file holds, a reader reads it or refuses it in one line that names it, and does nothing else."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.traces.formats import samples
from tests.traces.formats.samples import HEAD, PACKED, put, rows
from tests.traces.formats.test_binary import instruction, request
from tests.traces.formats.test_pytorch import X, Y, call, memory, node
from traces.errors import InputError
from traces.formats import READ, open_trace

ET = json.dumps(
    {"schema": "1.1", "nodes": [node(2, "aten::relu", 1, [X], [Y]), node(3, "aten::copy_", 2, [Y, X], [Y])]}
)
MAGIC = (b"\x1f\x8b", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd")
KINETO = json.dumps({"schemaVersion": 1, "traceEvents": [memory(1, 4096, 200), call("aten::mm", 2, 2, [(5, 10)])]})
BODY = b"#BEGIN_TB\nthread block = 0,0,0\nwarp = 0\ninsts = 1\n00a0 ffffffff 1 R1 LDG.E 1 R2 4 1 0x7f80 4 0\n#END_TB\n"
VALID = {
    "accelsim": st.one_of(st.just(HEAD % (5, 0) + BODY), samples.traceg().map(lambda body: HEAD % (5, 0) + body)),
    "nvbit": samples.text(samples.nvbit_line(), 4),
    "din": samples.text(samples.din_line()),
    "lackey": samples.text(samples.lackey_line()),
    "kineto": st.just(KINETO.encode()),
    "pytorch-et": st.just(ET.encode()),
    "oracle": st.just(request(1, 2, 3, -1) * 3),
    "champsim": st.just(instruction(1, 0, 1, [1] * 6, [5] * 6) * 3),
}


STARTS = [b"", HEAD % (5, 0), b"#BEGIN_TB\n", b"[{", b"MEMTRACE: CTX 0x1 - ", b"PAR1", *MAGIC]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


def attempt(path, name):
    try:
        found = rows(open_trace(path, name))
    except InputError as error:
        assert str(path.parent) in str(error)  # noqa: PT017  (that it is raised is not the point)
        assert "\n" not in str(error)  # noqa: PT017
        assert len(str(error)) < 1000  # noqa: PT017
    else:
        assert all(width > 0 and base + width <= 2**64 for base, width, _ in found)


@st.composite
def mutated(draw, texts):
    """A valid file with bytes changed, stretches lost, doubled or moved, numbers blown up."""
    data = bytearray(draw(texts))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        stop = draw(st.integers(start, min(len(data), start + 20)))
        piece = bytes(data[start:stop])
        odd = [b"", piece * 2, b"-" + piece, b"9" * 300, b"\n", b"\0", b" ", b"0x", b"}", b"]", b'"']
        data[start:stop] = draw(st.sampled_from(odd) | st.binary(max_size=4))
    return bytes(data)


@pytest.mark.parametrize("name", [one for one in READ if one in VALID])
def test_mutated_files(folder, name):
    @given(mutated(VALID[name]), st.sampled_from(["", "", *PACKED]))
    @settings(max_examples=150)
    def check(data, packed):
        attempt(put(folder / name, data, packed), name)

    check()


@given(mutated(st.just(b"MemcpyHtoD,0x0,1\nkernel-1.traceg\nkernel-1.traceg.xz\n")), st.sampled_from([b"", b"k" * 300]))
@settings(max_examples=200)
def test_mutated_lists(folder, data, more):
    put(folder / "kernel-1.traceg", HEAD % (5, 0) + BODY)
    attempt(put(folder / "kernelslist.g", data.replace(b"kernel", b"kernel" + more)), "accelsim")


value = st.recursive(
    st.sampled_from(
        [None, True, 0, -1, 1.5, 2**64, 10**30, float("inf"), float("nan"), "", "Tensor", "float", "aten::x_"]
    ),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.sampled_from(["values", "types", "Addr"]), inner),
    max_leaves=8,
)


@st.composite
def altered(draw, document):
    """A document with some of its values replaced, at any depth."""
    if not draw(st.integers(0, 15)):
        return draw(value)
    if isinstance(document, dict):
        return {key: draw(altered(one)) for key, one in document.items()}
    return [draw(altered(one)) for one in document] if isinstance(document, list) else document


@pytest.mark.parametrize(("name", "text"), [("kineto", KINETO), ("pytorch-et", ET)])
def test_documents_with_other_values(folder, name, text):
    @given(st.data())
    @settings(max_examples=400)
    def check(data):
        document = {key: data.draw(altered(one)) for key, one in json.loads(text).items()}
        attempt(put(folder / "other", json.dumps(document).encode()), name)

    check()


@pytest.mark.parametrize("name", [*(one for one in READ if one in VALID), None])
def test_any_bytes(folder, name):
    @given(st.binary(max_size=300), st.sampled_from(STARTS))
    @settings(max_examples=150)
    def check(data, head):
        attempt(put(folder / "any", head + data), name)

    check()
