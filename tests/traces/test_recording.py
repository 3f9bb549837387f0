"""What is recorded of a module's run: the operators, the layers they belong to, and where their tensors lie."""

import gc
from collections import Counter
from itertools import pairwise

import pytest
import torch
from torch import nn

from tests.traces.modules import Branches, Constant, Raising, Tied, convolutional
from traces.errors import InputError
from traces.operation import View
from traces.recording import record

IMAGE = (2, 3, 16, 16)


def image():
    return torch.zeros(IMAGE)


def views(value):
    if isinstance(value, View):
        return [value]
    return [view for one in value for view in views(one)] if isinstance(value, (list, tuple)) else []


def test_an_inference_run_is_the_forward_operators_in_order():
    recording = record(convolutional(), image(), "inference")
    assert [(one.operator, one.layer) for one in recording.operations] == [
        ("aten.convolution.default", "0"),
        ("aten.native_batch_norm.default", "1"),
        ("aten.relu_.default", "2"),
        ("aten.max_pool2d_with_indices.default", "3"),
        ("aten._adaptive_avg_pool2d.default", "5"),
        ("aten.addmm.default", "7"),
    ]
    assert {one.phase for one in recording.operations} == {"forward"}


def test_a_training_step_runs_forward_then_backward_layer_by_layer_then_the_optimiser():
    operations = record(convolutional(), image(), "training").operations
    phases = [one.phase for one in operations]
    assert phases == sorted(phases, key=["forward", "backward", "optimizer"].index)
    backward = [(one.layer, one.operator.split(".")[1]) for one in operations if one.phase == "backward"]
    assert backward == [
        ("loss", "ones_like"), ("loss", "nll_loss_backward"), ("loss", "_log_softmax_backward_data"),
        ("7", "mm"), ("7", "mm"), ("7", "sum"), ("5", "_adaptive_avg_pool2d_backward"),
        ("4", "native_dropout_backward"), ("3", "max_pool2d_with_indices_backward"), ("2", "threshold_backward"),
        ("1", "native_batch_norm_backward"), ("0", "convolution_backward"),
    ]  # fmt: skip
    assert [one.operator for one in operations if one.phase == "optimizer"] == [
        "aten._foreach_mul_.Scalar", "aten._foreach_add_.List", "aten._foreach_add_.List",
    ]  # fmt: skip


def test_dropout_is_the_gpus_fused_kernel():
    names = Counter(
        one.operator for one in record(nn.Sequential(nn.Linear(4, 4), nn.Dropout()), torch.zeros(2, 4)).operations
    )
    assert names["aten.native_dropout.default"] == 1
    assert not any("bernoulli" in name for name in names)


def test_a_gradient_that_two_branches_give_is_summed_in_a_layer_of_theirs():
    operations = record(Branches(), torch.zeros(2, 16, requires_grad=True)).operations
    sums = [one for one in operations if one.phase == "backward" and one.operator == "aten.add.Tensor"]
    assert len(sums) == 1
    assert sums[0].layer in ("left", "right")
    forward = [(one.layer, one.operator) for one in operations if one.phase == "forward"]
    assert forward[0] == ("", "aten.mul.Tensor")
    assert ("right", "aten.mm.default") in forward


def test_no_views_queries_or_allocations_are_recorded():
    names = {one.operator.split(".")[1] for one in record(convolutional(), image()).operations}
    assert not names & {"t", "view", "detach", "empty", "empty_like", "alias", "as_strided", "device"}


def test_the_arguments_of_a_convolution():
    recording = record(convolutional(), image(), "inference")
    source, weight, bias, *rest = recording.operations[0].arguments
    assert (source.shape, weight.shape, bias.shape) == (IMAGE, (8, 3, 3, 3), (8,))
    assert rest == [[1, 1], [0, 0], [1, 1], False, [0, 0], 1]  # stride, padding, dilation, transposed, and so on
    assert source.stride == (768, 256, 16, 1)
    assert (source.itemsize, source.dtype) == (4, "float32")
    names = [recording.tensors[view.tensor].name for view in (source, weight, bias)]
    assert names == ["input0", "0.weight", "0.bias"]


def test_a_view_shares_its_storage_at_its_offset():
    class Slice(nn.Module):
        def forward(self, x):
            return x[:, 2:].relu()

    recording = record(Slice(), torch.zeros(3, 8), "inference")
    (view,) = recording.operations[0].arguments
    assert view.address == recording.tensors[view.tensor].address + 2 * 4
    assert (view.shape, view.stride) == ((3, 6), (8, 1))


def test_work_in_place_stays_in_place():
    recording = record(convolutional(), image(), "inference")
    relu = recording.operations[2]
    assert relu.outputs[0] == relu.arguments[0]


def test_a_weight_used_transposed_is_the_same_memory():
    recording = record(nn.Linear(8, 4), torch.zeros(2, 8), "inference")
    weight = recording.operations[0].arguments[2]
    assert recording.tensors[weight.tensor].name == "weight"
    assert weight.stride == (1, 8)


def test_tied_weights_are_one_tensor():
    recording = record(Tied(), torch.zeros(2, 8), "inference")
    first, second = (one.arguments[1].tensor for one in recording.operations)
    assert first == second
    assert recording.parameters == 64


def test_tensors_of_live_views_never_overlap():
    """At any operation its inputs and outputs are distinct storages or the same one."""
    recording = record(convolutional(), image())
    for operation in recording.operations:
        used = {view.tensor for view in views([operation.arguments, operation.outputs])}
        spans = sorted((recording.tensors[index].address, recording.tensors[index].bytes) for index in used)
        for (low, size), (high, _) in pairwise(spans):
            assert low + size <= high


def test_every_view_lies_within_its_tensor():
    recording = record(convolutional(), image())
    for operation in recording.operations:
        for view in views([operation.arguments, operation.outputs]):
            tensor = recording.tensors[view.tensor]
            last = sum((length - 1) * stride for length, stride in zip(view.shape, view.stride, strict=True))
            assert tensor.address <= view.address
            assert view.address + (last + 1) * view.itemsize <= tensor.address + tensor.bytes


def test_what_a_tensor_is_for():
    recording = record(convolutional(), image())
    kinds = {tensor.name: tensor.kind for tensor in recording.tensors}
    assert kinds["0.weight"] == "parameter"
    assert kinds["1.running_mean"] == "buffer"
    assert kinds["input0"] == kinds["targets"] == "input"
    assert kinds["0.weight.grad"] == "gradient"
    assert kinds["0.weight.momentum_buffer"] == "optimizer"
    assert kinds["0.convolution"] == "activation"
    assert kinds["2.threshold_backward"] == "gradient"


def test_activations_of_an_inference_are_reused():
    """A chain of equal layers lives in two buffers, whatever its length."""
    chain = nn.Sequential(*(nn.Linear(64, 64) for _ in range(10)))
    recording = record(chain, torch.zeros(8, 64), "inference")
    outputs = [one.outputs[0].address for one in recording.operations]
    assert len(set(outputs)) == 2


def test_training_keeps_what_its_backward_pass_needs():
    chain = nn.Sequential(*(nn.Linear(64, 64) for _ in range(10)))
    recording = record(chain, torch.zeros(8, 64), "training")
    forward = [one.outputs[0].address for one in recording.operations if one.operator == "aten.addmm.default"]
    assert len(set(forward)) == 10


def test_the_recorded_step_finds_its_memory_made():
    """The step before it left gradients, momentum and segments: nothing is cloned, and no two peaks differ."""
    operations = record(convolutional(), image()).operations
    assert not any(one.operator.startswith("aten.clone") for one in operations)
    assert not any(one.operator.startswith("aten.add_") and one.phase == "backward" for one in operations)


def test_a_recording_repeats_exactly():
    module = convolutional()
    first, second = record(module, image()), record(module, image())
    assert first == second


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_real_and_meta_modules_record_alike_and_are_left_alone(device):
    module = convolutional().to(device)
    state = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    collecting, onednn = gc.isenabled(), torch._C._get_mkldnn_enabled()
    recording = record(module, torch.zeros(IMAGE, device=device))
    assert recording == record(convolutional(), image())
    assert module.training
    assert all(parameter.grad is None for parameter in module.parameters())
    assert all(parameter.device.type == device for parameter in module.parameters())
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())
    assert (gc.isenabled(), torch._C._get_mkldnn_enabled()) == (collecting, onednn)
    if device == "cpu":
        assert all(torch.equal(tensor, state[name]) for name, tensor in module.state_dict().items())


def test_plain_tensors_of_a_module_are_followed_too():
    recording = record(Constant(), torch.zeros(2, 4), "inference")
    assert [one.operator for one in recording.operations] == ["aten.mul.Tensor", "aten.add.Tensor", "aten.add.Tensor"]
    assert len(recording.tensors) >= 5


def test_no_memory_is_taken_for_weights_or_activations():
    """A layer of 256 GiB is recorded like any other."""
    with torch.device("meta"):
        module = nn.Linear(1 << 18, 1 << 18, bias=False)
    recording = record(module, torch.empty(4, 1 << 18, device="meta"), "training")
    assert recording.parameters == 1 << 36
    assert recording.peak_bytes >= 3 * 4 << 36  # weight, gradient, momentum


def test_other_optimisers_and_losses():
    adam = record(
        convolutional(), image(), optimizer=lambda p: torch.optim.Adam(p, foreach=True), loss=lambda y: y.mean()
    )
    names = {one.operator.split(".")[1] for one in adam.operations}
    assert "_foreach_addcdiv_" in names
    assert "nll_loss_forward" not in names
    assert {tensor.name for tensor in adam.tensors} >= {"0.weight.exp_avg", "0.weight.exp_avg_sq"}


def test_a_workspace_is_lent_for_one_operation():
    lent = []

    def each(operation, allocate):
        lent.append((operation, allocate(4096, "workspace")))

    recording = record(convolutional(), image(), "inference", each=each)
    for operation, (index, address) in lent:
        tensor = recording.tensors[index]
        assert (tensor.kind, tensor.bytes, tensor.address) == ("workspace", 4096, address)
        for view in views([operation.arguments, operation.outputs]):
            other = recording.tensors[view.tensor]
            assert address + 4096 <= other.address or other.address + other.bytes <= address
    assert len({address for _, (_, address) in lent}) < len(lent)


@pytest.mark.parametrize(
    ("module", "inputs", "phase", "words"),
    [
        (convolutional(), image(), "testing", "phase 'testing'.*inference, training"),
        ("vgg", image(), "training", "not a torch.nn.Module"),
        (convolutional(), (), "training", "inputs"),
        (convolutional(), (3,), "training", "inputs"),
        (Raising(), image(), "inference", "Raising: the forward pass raised RuntimeError: no such thing"),
        (convolutional(), torch.zeros(2, 4, 16, 16), "inference", "the forward pass raised"),
        (nn.ReLU(), image(), "training", "no trainable parameters"),
        (nn.Embedding(4, 4, sparse=True), torch.zeros(2, dtype=torch.int64), "training", "sparse"),
        (nn.Linear(4, 4), torch.zeros(2, 4).to_sparse(), "inference", "sparse"),
    ],
)
def test_bad_input_is_one_line(module, inputs, phase, words):
    with pytest.raises(InputError, match=words) as caught:
        record(module, inputs, phase)
    assert "\n" not in str(caught.value)
    assert torch._C._get_mkldnn_enabled()
    assert gc.isenabled()


def test_a_loss_must_be_a_scalar_of_the_parameters():
    with pytest.raises(InputError, match="loss"):
        record(convolutional(), image(), loss=lambda y: y)
    with pytest.raises(InputError, match="loss"):
        record(convolutional(), image(), loss=lambda y: y.detach().sum())
