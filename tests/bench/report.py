# SPDX-License-Identifier: GPL-2.0-or-later
"""Results as tables, as JSON, and as plots where gnuplot is installed."""
import dataclasses
import json
import shutil
import subprocess

from contenders import CONTENDERS
from loads import FIGURES, LOADS

COMMON = ("cpu_s_per_gb", "cpu_us_per_packet", "dropped", "rss_mb", "others")


def _table(rows):
    """Rows of text, the first column left and the others right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join([row[0].ljust(widths[0]),
                       *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]).rstrip()
            for row in rows]


def _cell(spread, digits, quartiles):
    if spread is None:
        return "-"
    text = f"{spread.median:.{digits}f}"
    if quartiles:
        text += f" [{spread.low:.{digits}f} {spread.high:.{digits}f}]"
    return text


def load_lines(results, name):
    """The table of one load; figures that nobody has are left out."""
    load = LOADS[name]
    first = load.main[0]
    present = [each for each in CONTENDERS if each in results.contenders(name)]
    figures = [each for each in (*load.main, *COMMON)
               if any(results.spread(name, contender, each) for contender in present)]
    references = [each for each in ("none", "echo") if results.spread(name, each, first)]
    rows = [["", "n", *(FIGURES[figure][0] for figure in figures),
             *(f"against {each}" for each in references)]]
    for contender in present:
        cells = [_cell(results.spread(name, contender, figure), FIGURES[figure][1],
                       figure in load.main) for figure in figures]
        ratios = [_cell(results.ratio(name, first, contender, each), 3, True)
                  for each in references]
        rows.append([contender, str(results.count(name, contender)), *cells, *ratios])
    noise = results.noise(name, first)
    told = "" if noise is None else f"; noise of {FIGURES[first][0]}: {100 * noise:.1f} %"
    return [f"{name}: {load.text}{told}", *_table(rows), ""]


def goal_lines(results, goals):
    """The table of the goals that this run can tell something of."""
    rows = [["goal", "measured", "border", "noise", ""]]
    for goal in goals:
        verdict = goal.judge(results)
        noise = results.noise(goal.load, goal.figure) if goal.against else None
        rows.append([f"{goal.name}: {goal.contender} {goal.figure}"
                     + (f" / {goal.against}" if goal.against else ""),
                     _cell(goal.value(results), 3, True),
                     f"{'>=' if goal.at_least else '<='} {goal.border:g}",
                     "-" if noise is None else f"{100 * noise:.1f} %", verdict])
    return _table(rows)


def write_json(path, results, goals, about):
    """Everything that was measured and computed."""
    def plain(spread):
        return None if spread is None else dataclasses.asdict(spread)

    summary = {load: {contender: {figure: plain(results.spread(load, contender, figure))
                                  for figure in FIGURES
                                  if results.spread(load, contender, figure)}
                      for contender in CONTENDERS if contender in results.contenders(load)}
               for load in LOADS if results.contenders(load)}
    judged = [{**dataclasses.asdict(goal), "measured": plain(goal.value(results)),
               "noise": results.noise(goal.load, goal.figure) if goal.against else None,
               "verdict": goal.judge(results)} for goal in goals]
    document = {"about": about, "summary": summary, "goals": judged,
                "samples": results.samples(), "failures": results.failures}
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _plot_script(results, name, path):
    figure = LOADS[name].main[0]
    present = [each for each in CONTENDERS if results.spread(name, each, figure)]
    lines = ["set terminal svg size 900,420 font 'sans,12'", f"set output '{path}'",
             f"set title \"{LOADS[name].text}\"", f"set ylabel '{FIGURES[figure][0]}'",
             "set style fill solid 0.6", "set boxwidth 0.6", "set yrange [0:*]",
             "set xtics rotate by -30", "unset key", "$data << END"]
    for number, contender in enumerate(present):
        spread = results.spread(name, contender, figure)
        lines.append(f"{number} {contender} {spread.median} {spread.low} {spread.high}")
    return [*lines, "END", "plot $data using 1:3:xtic(2) with boxes linecolor rgb '#4477aa', "
                           "$data using 1:3:4:5 with yerrorbars linecolor rgb 'black' pointtype 0"]


def write_plots(directory, results):
    """One SVG for each load, and none of an earlier run; False when gnuplot is not installed."""
    for old in directory.glob("*.svg"):
        old.unlink()
    if shutil.which("gnuplot") is None:
        return False
    for name in LOADS:
        if any(results.spread(name, each, LOADS[name].main[0]) for each in CONTENDERS):
            script = "\n".join(_plot_script(results, name, directory / f"{name}.svg"))
            subprocess.run(["gnuplot"], input=script, text=True, check=True,
                           capture_output=True)
    return True
