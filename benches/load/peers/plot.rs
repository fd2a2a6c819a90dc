//! Line plots as SVG, legible on light and dark pages.

use std::fmt::Write;

/// Size of the picture, and of what is around the lines: left, right for the names, above, below.
const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 200.0;
const TOP: f64 = 36.0;
const BOTTOM: f64 = 52.0;
/// The least distance of two names.
const NAMES_APART: f64 = 16.0;
/// Steps of the vertical axis in a decade; it begins and ends at one.
const TICKS: [f64; 3] = [1.0, 2.0, 5.0];
const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#1d1d1f}\
.axis{stroke:#8e8e93;stroke-width:1}.grid{stroke:#8e8e93;stroke-opacity:.3}\
.line{fill:none;stroke-width:2}\
@media (prefers-color-scheme:dark){text{fill:#f2f2f7}}";
/// The colours of the lines by the first words of their names, told apart by those who do not see red and green too, on
/// white and black.
const COLOURS: [(&str, &str); 3] = [
    ("y-websocket", "#d08700"),
    ("socket.io", "#d6336c"),
    ("whiteboard", "#1c7ed6"),
];
const OTHERS: &str = "#8a8a8e";

/// A line.
pub struct Series {
    pub name: String,
    pub points: Vec<(f64, f64)>,
}

/// µs of CPU a delivery against something; both axes are logarithmic.
pub struct Plot {
    /// The name of its file.
    pub file: &'static str,
    /// What is below the horizontal axis.
    pub title: &'static str,
    pub series: Vec<Series>,
}

/// The part of an axis that a plot shows, and where.
struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    fn at(&self, value: f64) -> f64 {
        let share = (value / self.low).ln() / (self.high / self.low).ln().max(f64::EPSILON);
        self.from + share * (self.to - self.from)
    }
}

impl Plot {
    /// The picture; there is at least one point.
    pub fn svg(&self) -> String {
        let points = || self.series.iter().flat_map(|series| &series.points);
        let mut steps: Vec<f64> = points().map(|point| point.0).collect();
        steps.sort_unstable_by(f64::total_cmp);
        steps.dedup();
        let costs = || points().map(|point| point.1);
        let (low, high) = (
            costs().fold(f64::INFINITY, f64::min),
            costs().fold(0.0, f64::max),
        );
        let across = Axis {
            low: steps[0],
            high: steps[steps.len() - 1],
            from: LEFT,
            to: WIDTH - RIGHT,
        };
        let ticks = ticks(low, high);
        let up = Axis {
            low: ticks[0],
            high: ticks[ticks.len() - 1],
            from: HEIGHT - BOTTOM,
            to: TOP,
        };
        let mut body = String::new();
        for tick in ticks {
            let y = up.at(tick);
            body += &format!(
                r#"<path class="grid" d="M{LEFT} {y:.1}H{:.1}"/><text x="{:.1}" y="{:.1}" text-anchor="end">{tick}</text>"#,
                across.to,
                LEFT - 8.0,
                y + 4.0
            );
        }
        for step in &steps {
            let x = across.at(*step);
            body += &format!(
                r#"<path class="axis" d="M{x:.1} {:.1}v5"/><text x="{x:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
                up.from,
                up.from + 20.0,
                thousands(*step)
            );
        }
        body += &self.lines(&across, &up);
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="CPU a delivery by {title}"><style>{STYLE}</style><text x="{LEFT}" y="18">µs of CPU a delivery</text>{body}<path class="axis" d="M{LEFT} {:.1}H{:.1}"/><text x="{LEFT}" y="{:.1}">{title}</text></svg>
"#,
            up.from,
            across.to,
            HEIGHT - 8.0,
            title = self.title
        )
    }

    fn lines(&self, across: &Axis, up: &Axis) -> String {
        let mut body = String::new();
        let mut names = Vec::new();
        for series in &self.series {
            let colour = COLOURS
                .iter()
                .find(|(name, _)| series.name.starts_with(name));
            let colour = colour.map_or(OTHERS, |(_, colour)| colour);
            let mut path = String::new();
            for (at, (x, y)) in series.points.iter().enumerate() {
                let command = if at == 0 { 'M' } else { 'L' };
                let (x, y) = (across.at(*x), up.at(*y));
                write!(path, "{command}{x:.1} {y:.1}").expect("writing to a string does not fail");
                body += &format!(r#"<circle cx="{x:.1}" cy="{y:.1}" r="3" fill="{colour}"/>"#);
            }
            body += &format!(r#"<path class="line" stroke="{colour}" d="{path}"/>"#);
            if let Some((_, last)) = series.points.last() {
                names.push((up.at(*last), colour, &series.name));
            }
        }
        names.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
        let mut above = f64::NEG_INFINITY;
        for (y, colour, name) in names {
            let y = y.max(above + NAMES_APART);
            above = y;
            body += &format!(
                r#"<circle cx="{:.1}" cy="{y:.1}" r="4" fill="{colour}"/><text x="{:.1}" y="{:.1}">{name}</text>"#,
                across.to + 14.0,
                across.to + 24.0,
                y + 4.0
            );
        }
        body
    }
}

/// The steps from the last one that is not above `low` to the first one that is not below `high`.
fn ticks(low: f64, high: f64) -> Vec<f64> {
    let first = low.log10().floor() as i32;
    let last = high.log10().ceil() as i32;
    let all: Vec<f64> = (first..=last)
        .flat_map(|decade| TICKS.map(|tick| tick * 10f64.powi(decade)))
        .collect();
    let from = all.iter().rposition(|tick| *tick <= low).unwrap_or(0);
    let to = all.iter().position(|tick| *tick >= high);
    all[from..=to.unwrap_or(all.len() - 1)].to_vec()
}

/// A whole number with a comma at the thousands.
fn thousands(number: f64) -> String {
    let number = number as u64;
    match number / 1_000 {
        0 => number.to_string(),
        thousands => format!("{thousands},{:03}", number % 1_000),
    }
}
