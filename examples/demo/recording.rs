//! The account as a moving picture: an SVG that shows its lines one after the other, without any script.
//!
//! It is written for the README: an `<img>` runs the style sheet inside an SVG, and nothing else.

use crate::print::{Style, WIDTH};
use std::fmt::Write;
use std::io;
use std::path::PathBuf;

/// Pixels: a character's width as browsers have it in a monospaced face of this size, a line's height, the margin.
const FONT_SIZE: f64 = 13.0;
const CHARACTER: f64 = 7.83;
const LINE: f64 = 18.0;
const MARGIN: f64 = 18.0;
/// Lines that are to be seen at a time; what is above scrolls away.
const VISIBLE: usize = 34;

/// Seconds: between the lines of a step, before another step, and at the end, before it begins again. The account itself takes
/// about a second, which nobody can read.
const PAUSE: f64 = 0.35;
const STEP_PAUSE: f64 = 1.8;
const END_PAUSE: f64 = 6.0;

/// What has been recorded so far.
pub(crate) struct Recording {
    file: PathBuf,
    lines: Vec<Vec<(Style, String)>>,
}

impl Recording {
    /// A recording that is to be written to `file`.
    pub(crate) fn new(file: PathBuf) -> Self {
        Self { file, lines: Vec::new() }
    }

    /// Another line, of pieces of text.
    pub(crate) fn line(&mut self, pieces: &[(Style, &str)]) {
        self.lines.push(pieces.iter().map(|(style, text)| (*style, (*text).to_owned())).collect());
    }

    /// Writes the file.
    pub(crate) fn write(self) -> io::Result<()> {
        std::fs::write(&self.file, self.picture())
    }

    fn picture(&self) -> String {
        let times = self.times();
        let whole = times.last().copied().unwrap_or(0.0) + END_PAUSE;
        let (width, height) = (WIDTH as f64 * CHARACTER + 2.0 * MARGIN, VISIBLE as f64 * LINE + 2.0 * MARGIN);
        let mut out = format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" viewBox="0 0 {width:.0} {height:.0}" width="{width:.0}" height="{height:.0}">
<title>Doorkeeper's demo: what it prints</title>
<style>
text {{ font: {FONT_SIZE}px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #d5d9e0 }}
.bold {{ font-weight: 700; fill: #ffffff }} .dim {{ fill: #8b93a1 }} .allowed {{ fill: #63c174 }} .refused {{ fill: #ff7b72 }}
.alarming {{ fill: #f0b34e; font-weight: 700 }}
#lines {{ animation: scroll {whole:.1}s step-end infinite }}
"##
        );
        self.scrolling(&mut out, &times, whole);
        for (number, time) in times.iter().enumerate() {
            let at = 100.0 * time / whole;
            if !self.lines[number].is_empty() {
                let _ = writeln!(
                    out,
                    "#l{number} {{ animation: a{number} {whole:.1}s step-end infinite }} \
                     @keyframes a{number} {{ 0% {{ opacity: 0 }} {at:.2}% {{ opacity: 1 }} }}"
                );
            }
        }
        // Whoever wants no motion sees the beginning, all at once.
        out += "@media (prefers-reduced-motion: reduce) { * { animation: none !important } }\n</style>\n";
        let _ = write!(
            out,
            r##"<rect width="100%" height="100%" rx="8" fill="#14181f"/>
<svg x="0" y="{MARGIN}" width="{width:.0}" height="{:.0}"><g id="lines">
"##,
            VISIBLE as f64 * LINE
        );
        for (number, pieces) in self.lines.iter().enumerate().filter(|(_, pieces)| !pieces.is_empty()) {
            let _ = write!(
                out,
                r#"<text id="l{number}" x="{MARGIN}" y="{:.0}">"#,
                number as f64 * LINE + FONT_SIZE
            );
            for (style, text) in pieces {
                let text = escaped(text);
                match class(*style) {
                    None => out += &text,
                    Some(class) => {
                        let _ = write!(out, r#"<tspan class="{class}">{text}</tspan>"#);
                    }
                }
            }
            out += "</text>\n";
        }
        out + "</g></svg>\n</svg>\n"
    }

    /// When each line appears, in seconds.
    fn times(&self) -> Vec<f64> {
        let mut now = 0.3;
        let mut times = Vec::with_capacity(self.lines.len());
        for (number, line) in self.lines.iter().enumerate() {
            if line.is_empty() && number > 0 {
                now += STEP_PAUSE;
            } else if !line.is_empty() {
                now += PAUSE;
            }
            times.push(now);
        }
        times
    }

    /// Moves the lines up as the newest would be below the picture's edge.
    fn scrolling(&self, out: &mut String, times: &[f64], whole: f64) {
        out.push_str("@keyframes scroll { 0% { transform: translateY(0) }");
        for (number, time) in times.iter().enumerate().skip(VISIBLE) {
            let _ = write!(
                out,
                " {:.2}% {{ transform: translateY({:.0}px) }}",
                100.0 * time / whole,
                -((number + 1 - VISIBLE) as f64 * LINE)
            );
        }
        out.push_str(" }\n");
    }
}

fn class(style: Style) -> Option<&'static str> {
    match style {
        Style::Plain => None,
        Style::Bold => Some("bold"),
        Style::Dim => Some("dim"),
        Style::Allowed => Some("allowed"),
        Style::Refused => Some("refused"),
        Style::Alarming => Some("alarming"),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
