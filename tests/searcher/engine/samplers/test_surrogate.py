"""The Gaussian process."""

import numpy as np
import pytest

from splitsearch.searcher.engine.samplers.surrogate import Surrogate, refit_size

DRAW = np.random.default_rng(0)
FEATURES = DRAW.random((30, 2))
GAINS = np.sin(3 * FEATURES[:, 0]) + 70
NONE = np.zeros(30)


def learnt(extra: np.ndarray = NONE) -> Surrogate:  # type: ignore[type-arg]
    surrogate = Surrogate(0)
    surrogate.learn(FEATURES, GAINS, extra)
    return surrogate


def test_it_predicts_what_it_has_not_seen_and_is_sure_where_it_has() -> None:
    mean, deviation = learnt().predict(np.array([[0.5, 0.5], [0.5, 3.0]]))
    assert mean[0] == pytest.approx(np.sin(1.5) + 70, abs=0.02)
    at_data, sure = learnt().predict(FEATURES)
    assert at_data == pytest.approx(GAINS, abs=0.02)
    assert sure.max() < deviation[1]


def test_estimates_of_little_worth_hardly_teach() -> None:
    extra = NONE.copy()
    extra[0] = 100.0
    wrong = GAINS.copy()
    wrong[0] += 50
    surrogate = Surrogate(0)
    surrogate.learn(FEATURES, wrong, extra)
    assert surrogate.predict(FEATURES[:1])[0][0] == pytest.approx(GAINS[0], abs=5)


def test_what_is_believed_takes_the_doubt_away() -> None:
    surrogate, place = learnt(), np.array([[1.5, 1.5]])
    mean, before = surrogate.predict(place)
    surrogate.believe(place, mean)
    after_mean, after = surrogate.predict(place)
    assert after_mean[0] == pytest.approx(mean[0], abs=0.05)
    assert after[0] < before[0] / 2


def test_hyperparameters_are_fitted_on_a_schedule_and_are_the_same_in_every_process() -> None:
    assert [refit_size(n) for n in (1, 7, 20, 21, 22, 23, 24)] == [1, 7, 20, 20, 22, 22, 24]
    assert all(refit_size(n) <= n < refit_size(n) * 1.15 + 2 for n in range(1, 500))
    one, other = Surrogate(0), Surrogate(0)
    one.learn(FEATURES[:22], GAINS[:22], NONE[:22])
    one.learn(FEATURES[:23], GAINS[:23], NONE[:23])
    other.learn(FEATURES[:23], GAINS[:23], NONE[:23])
    assert np.array_equal(one.predict(FEATURES)[0], other.predict(FEATURES)[0])


def test_before_learning_nothing_is_known() -> None:
    with pytest.raises(ValueError, match="after it has learnt"):
        Surrogate(0).predict(FEATURES)
    with pytest.raises(ValueError, match="after it has learnt"):
        Surrogate(0).believe(FEATURES, GAINS)


def test_equal_gains_are_no_trouble() -> None:
    surrogate = Surrogate(0)
    surrogate.learn(FEATURES[:3], np.full(3, 0.5), NONE[:3])
    assert surrogate.predict(FEATURES)[0] == pytest.approx(np.full(30, 0.5))


def test_trials_say_whether_names_tell_more_than_their_order() -> None:
    places = np.arange(30) % 6
    features = np.hstack([places[:, None] / 5, 0.5 * np.eye(6)[places], FEATURES[:, :1]])
    groups = (0, 1, 1, 1, 1, 1, 1, 2)

    def length_of_names(of_place: np.ndarray) -> float:  # type: ignore[type-arg]
        surrogate = Surrogate(0, groups)
        surrogate.learn(features, of_place[places] + 0.1 * FEATURES[:, 0], NONE)
        assert surrogate._process is not None
        return float(surrogate._process.kernel_.k1.k2.length_scale[1])

    jumping, smooth = np.array([0.1, 0.9, 0.2, 0.8, 0.1, 0.7]), np.arange(6) / 5
    assert length_of_names(jumping) < 0.7 * length_of_names(smooth)
