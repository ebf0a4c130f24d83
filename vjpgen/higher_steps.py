"""The steps from a function to derivatives of its derivatives: searched, measured, stated in tests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from vjpgen import settings

if TYPE_CHECKING:
    from vjpgen.forms import Forms, Plan
    from vjpgen.higher_reference import HigherSuite
    from vjpgen.meter import Meter
    from vjpgen.reference import Probe, Suite
    from vjpgen.report import Target


def with_higher(forms: Forms, how: settings.How) -> Forms:
    """The forms with those of the partials above the first order."""
    from vjpgen import higher_search

    found = higher_search.higher(forms, how.order, effort=how.effort, prefer=how.prefer)
    return replace(forms, higher=found)


@dataclass(frozen=True, slots=True)
class Above:
    """What was measured of partials of the second order and above.

    Attributes:
        targets: figures of each.
        probe: where.
        truth, got, wide: as `higher_reference.higher_suite` takes them.
    """

    targets: tuple[Target, ...]
    probe: Probe
    truth: Any
    got: Any
    wide: Any

    def suite(self, first: Suite) -> HigherSuite:
        """What tests state of them, beside what they state of the value and the first partials."""
        from vjpgen import higher_reference

        return higher_reference.higher_suite(self.probe, first, self.truth, self.got, self.wide)


def measured(plan: Plan, probe: Probe, module: str, naive: str, meter: Meter) -> Above:
    """The module and the plain formula at the points of a probe, against exact results.

    Args:
        plan: what the module computes.
        probe: where the value and the first partials are measured.
        module, naive: the sources of both.
        meter: runs them.
    """
    from vjpgen import higher_reference, report

    forms, spec = plan.forms, plan.forms.spec
    assert forms.higher is not None
    wanted, columns = forms.higher.wanted, probe.columns()
    truth = higher_reference.exact(probe)
    got = meter.measure_higher(module, spec.name, spec.structure, columns, wanted)
    plain, wide = (
        meter.measure_higher(naive, spec.name, spec.several, at, wanted, True)[0]
        for at in (columns, probe.columns(probe.swept, float))
    )
    targets = report.higher_targets(forms, probe, truth, got, plain)
    return Above(targets, probe, truth, got, wide)
