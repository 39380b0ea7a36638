//! The timeline as an SVG picture: load, latency and memory, one under the other. Next: [`replay`](super::replay).

use std::fmt::Write;

use super::scenario::Scenario;
use super::score::Second;
use super::summary::Outcome;

/// Width of a panel's plot, in pixels.
const WIDTH: f64 = 900.0;
/// Height of a panel's plot.
const HEIGHT: f64 = 130.0;
/// Room around the plots for words and figures.
const MARGIN: f64 = 60.0;

/// A line of a panel: what it shows, its colour, and its figure in each second.
type Line<'a> = (&'a str, &'a str, Vec<f64>);

/// The picture.
pub(super) fn svg(scenario: &Scenario, outcome: &Outcome) -> String {
    let seconds = &outcome.course.score.seconds;
    let of = |figure: &dyn Fn(&Second) -> f64| seconds.iter().map(figure).collect::<Vec<f64>>();
    let faces = (0..seconds.len()).map(|at| scenario.faces.at(at as f64)).collect();
    let objective = vec![scenario.policy.latency_p95_ms; seconds.len()];
    let (ours, both) = (of(&|s| s.ours), of(&|s| s.ours + s.tenant));
    let panels: [(&str, Vec<Line<'_>>); 4] = [
        ("load", vec![("cameras", "#3465a4", of(&|s| s.cameras as f64)), ("faces a camera", "#c17d11", faces)]),
        ("p95, ms", vec![("measured", "#cc0000", of(&|s| s.p95_ms)), ("objective", "#888a85", objective)]),
        (
            "MiB",
            vec![("ours", "#4e9a06", ours), ("with others", "#75507b", both), ("limit", "#888a85", of(&|s| s.ceiling))],
        ),
        ("value a second", vec![("served in time", "#2e3436", of(&|s| s.value))]),
    ];
    let height = MARGIN + panels.len() as f64 * (HEIGHT + MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"{MARGIN}\" y=\"24\" \
         font-size=\"16\">{}: {}</text>\n",
        WIDTH + 2.0 * MARGIN,
        escape(&scenario.name),
        escape(&scenario.about)
    );
    for (row, (title, lines)) in panels.iter().enumerate() {
        panel(&mut svg, MARGIN + row as f64 * (HEIGHT + MARGIN), title, lines);
    }
    svg + "</svg>\n"
}

fn panel(svg: &mut String, top: f64, title: &str, lines: &[Line<'_>]) {
    let most = lines.iter().flat_map(|line| &line.2).copied().fold(1.0, f64::max);
    let bottom = top + HEIGHT;
    let _ = writeln!(
        svg,
        "<rect x=\"{MARGIN}\" y=\"{top}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"none\" stroke=\"#d3d7cf\"/>\n\
         <text x=\"{MARGIN}\" y=\"{}\">{}</text>\n<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{most:.0}</text>\n\
         <text x=\"{}\" y=\"{bottom}\" text-anchor=\"end\">0</text>",
        top - 6.0,
        escape(title),
        MARGIN - 6.0,
        top + 10.0,
        MARGIN - 6.0
    );
    for (at, (name, colour, figures)) in lines.iter().enumerate() {
        let x = |second: usize| MARGIN + WIDTH * second as f64 / figures.len().max(2) as f64;
        let y = |figure: f64| bottom - HEIGHT * figure / most;
        let points: Vec<String> =
            figures.iter().enumerate().map(|(second, &f)| format!("{:.1},{:.1}", x(second), y(f))).collect();
        let _ = writeln!(
            svg,
            "<polyline fill=\"none\" stroke=\"{colour}\" points=\"{}\"/>\n<text x=\"{}\" y=\"{}\" \
             fill=\"{colour}\">{}</text>",
            points.join(" "),
            MARGIN + 160.0 + 150.0 * at as f64,
            top - 6.0,
            escape(name)
        );
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
