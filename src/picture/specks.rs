//! Strokes that are too small or too many to be drawn each: where they are, as rows of dots.
//!
//! Its size must never depend on the number of strokes.

use std::collections::{BTreeMap, BTreeSet};

use super::figure::Figure;
use super::kinds::Kind;
use super::number::push_rounded;
use super::palette::{Theme, colour_value, marker_value, note_colours};
use super::plane::{Area, Place};
use crate::domain::colour::Colour;

/// The side of a cell that has a dot or none, in pixels, at first.
const CELL: f64 = 2.0;
/// Thickness of a dot, as a part of its cell.
const DOT: f64 = 0.7;
/// Most points of a stroke that are looked at.
const MAX_POINTS: usize = 32;

/// Cells of the plane that have dots.
pub(super) struct Specks {
    corner: Place,
    /// The side of a cell, in units.
    cell: f64,
    /// Row and column of the cells of each colour.
    cells: BTreeMap<[u8; 3], BTreeSet<(u32, u32)>>,
}

impl Specks {
    pub(super) fn new(area: &Area, scale: f64) -> Self {
        Self {
            corner: Place {
                x: area.left,
                y: area.top,
            },
            cell: CELL / scale,
            cells: BTreeMap::new(),
        }
    }

    pub(super) fn add(&mut self, figure: &Figure<'_>, frame: &Area, theme: Theme) {
        let colour = match figure.kind() {
            Kind::Note => note_colours(figure.colour(), theme).0,
            Kind::Marker => marker_value(figure.colour(), theme),
            _ => colour_value(figure.colour(), theme),
        };
        let cells = self.cells.entry(colour.0).or_default();
        let mut add = |at: Place| {
            let number = |from: f64, to: f64| ((to - from) / self.cell) as u32;
            cells.insert((number(self.corner.y, at.y), number(self.corner.x, at.x)));
        };
        if figure.points.is_empty() {
            add(frame.centre());
        }
        let every = figure.points.len().div_ceil(MAX_POINTS).max(1);
        let points = figure.points.iter().step_by(every);
        points.for_each(|point| add(point.at));
    }

    /// The dots as SVG elements of at most `room` bytes. Cells become larger until they fit.
    pub(super) fn svg(mut self, room: usize) -> String {
        loop {
            let svg = self.all();
            if svg.len() <= room {
                return svg;
            }
            self.cell *= 2.0;
            for cells in self.cells.values_mut() {
                *cells = cells.iter().map(|(y, x)| (y / 2, x / 2)).collect();
            }
        }
    }

    fn all(&self) -> String {
        let mut svg = String::new();
        for (colour, cells) in &self.cells {
            svg.push_str("<path stroke=\"");
            svg.push_str(&Colour(*colour).to_string());
            svg.push_str("\" stroke-width=\"");
            push_rounded(&mut svg, self.cell * DOT);
            svg.push_str("\" d=\"");
            let mut cells = cells.iter().copied().peekable();
            while let Some((row, first)) = cells.next() {
                let mut last = first;
                while cells.next_if_eq(&(row, last + 1)).is_some() {
                    last += 1;
                }
                let at = |corner: f64, cell: f64| (corner + cell * self.cell).round();
                svg.push('M');
                push_rounded(&mut svg, at(self.corner.x, f64::from(first)));
                svg.push(' ');
                push_rounded(&mut svg, at(self.corner.y, f64::from(row) + 0.5));
                svg.push('h');
                let cells = f64::from(last - first) + DOT;
                push_rounded(&mut svg, (cells * self.cell * 10.0).round() / 10.0);
            }
            svg.push_str("\"/>");
        }
        svg
    }
}
