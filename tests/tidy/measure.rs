//! How large the source is: medians, and lines per room.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::house::House;
use crate::table::Table;

#[derive(Debug)]
pub(crate) struct Measure {
    pub(crate) function_lines_median: usize,
    pub(crate) file_lines_median: usize,
    /// A table for people.
    pub(crate) text: String,
}

impl Measure {
    pub(crate) fn of(house: &House, table: &Table) -> Self {
        let functions = house.files.iter().flat_map(|file| &file.reading.functions);
        let functions: Vec<_> = functions.map(|function| function.n_lines).collect();
        let files: Vec<_> = house.files.iter().map(|file| file.lines.len()).collect();
        let mut rooms = BTreeMap::<&str, (usize, usize)>::new();
        for file in &house.files {
            let room = table.room(&file.path).map_or("(no room)", |(room, _)| room);
            let (n_files, n_lines) = rooms.entry(room).or_default();
            *n_files += 1;
            *n_lines += file.lines.len();
        }
        let mut text = String::new();
        for (room, (n_files, n_lines)) in rooms {
            writeln!(text, "{room:15} {n_files:4} files {n_lines:6} lines").unwrap();
        }
        let (n_files, n_lines) = (files.len(), files.iter().sum::<usize>());
        let (file_lines_median, function_lines_median) = (median(files), median(functions.clone()));
        writeln!(text, "{:15} {n_files:4} files {n_lines:6} lines", "all").unwrap();
        writeln!(text, "a file: {file_lines_median} lines in the median").unwrap();
        writeln!(text, "{} functions: {function_lines_median} lines in the median", functions.len()).unwrap();
        Self { function_lines_median, file_lines_median, text }
    }
}

fn median(mut lengths: Vec<usize>) -> usize {
    lengths.sort_unstable();
    lengths.get(lengths.len() / 2).copied().unwrap_or_default()
}
