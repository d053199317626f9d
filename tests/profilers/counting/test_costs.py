"""Rows of a table and their sums."""

from splitsearch.profilers.counting.costs import Operator, OperatorCost, total, uncounted, unknown


def row(macs: int, uncounted_operators: dict[str, int]) -> Operator:
    cost = OperatorCost(macs=macs, parameters=2, inputs=3, outputs=4)
    return Operator(name="n", kind="k", input_shapes=(), output_shape=(), cost=cost, uncounted=uncounted_operators)


def test_sums() -> None:
    sums = total([row(5, {}).cost, row(7, {}).cost])
    assert (sums.macs, sums.parameters, sums.operators, sums.peak_elements) == (12, 4, 2, 7)
    assert total([]).peak_elements == 0


def test_what_is_not_counted_is_added_up_and_sorted() -> None:
    names = uncounted([row(0, {"ReLU": 1}), row(9, {"aten::softmax": 2}), row(0, {"ReLU": 3})])
    assert list(names.items()) == [("ReLU", 4), ("aten::softmax", 2)]


def test_the_unknown_is_told_from_the_free() -> None:
    assert unknown(["ReLU", "aten::add_", "aten::fft_rfft", "mystery"]) == ["aten::fft_rfft", "mystery"]
