//! Files that import each other: the strongly connected components of the graph whose edges are
//! imports (Tarjan, "Depth-first search and linear graph algorithms", 1972).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::house::House;
use crate::resolve::Target;

/// From a file to those that define what it uses, with the names of that.
type Edges = BTreeMap<usize, BTreeMap<usize, BTreeSet<String>>>;

/// Each circle with all imports that make it.
pub(crate) fn circles(house: &House) -> Vec<String> {
    let edges = edges(house);
    let mut search = Search::new(house.files.len(), &edges);
    for file in 0..house.files.len() {
        if search.order[file].is_none() {
            search.visit(file);
        }
    }
    search.circles.iter().map(|circle| text(house, &edges, circle)).collect()
}

fn edges(house: &House) -> Edges {
    let mut edges = Edges::new();
    for reference in &house.references {
        if let Target::Own { module, path, .. } = &reference.target {
            let target = house.modules[*module].file;
            if target != reference.file {
                let names = edges.entry(reference.file).or_default().entry(target).or_default();
                names.insert(path[0].clone());
            }
        }
    }
    edges
}

fn text(house: &House, edges: &Edges, circle: &BTreeSet<usize>) -> String {
    let mut text = format!("a circle of {} files:", circle.len());
    for from in circle {
        for (to, names) in edges[from].iter().filter(|(to, _)| circle.contains(to)) {
            let names = names.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            write!(text, "\n    {} -> {}: {names}", house.path(*from), house.path(*to)).unwrap();
        }
    }
    text
}

struct Search<'a> {
    edges: &'a Edges,
    /// When each file was come upon.
    order: Vec<Option<usize>>,
    /// The earliest that can be reached from it.
    earliest: Vec<usize>,
    open: Vec<usize>,
    n_found: usize,
    circles: Vec<BTreeSet<usize>>,
}

impl<'a> Search<'a> {
    fn new(n_files: usize, edges: &'a Edges) -> Self {
        let (order, earliest) = (vec![None; n_files], vec![0; n_files]);
        Self { edges, order, earliest, open: Vec::new(), n_found: 0, circles: Vec::new() }
    }

    fn visit(&mut self, file: usize) {
        let place = self.n_found;
        self.n_found += 1;
        (self.order[file], self.earliest[file]) = (Some(place), place);
        self.open.push(file);
        for next in self.edges.get(&file).into_iter().flat_map(BTreeMap::keys) {
            match self.order[*next] {
                None => {
                    self.visit(*next);
                    self.earliest[file] = self.earliest[file].min(self.earliest[*next]);
                }
                Some(order) if self.open.contains(next) => {
                    self.earliest[file] = self.earliest[file].min(order);
                }
                Some(_) => {}
            }
        }
        if self.earliest[file] == place {
            let first = self.open.iter().position(|open| *open == file).unwrap_or_default();
            let component: BTreeSet<_> = self.open.drain(first..).collect();
            self.circles.extend(Some(component).filter(|component| component.len() > 1));
        }
    }
}
