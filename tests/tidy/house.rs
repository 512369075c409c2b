//! The whole source as a tree of modules, made by following `mod` from `lib.rs` and `main.rs`.
//!
//! What a module for tests declares is no part of it; what nothing declares is a fault.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::read::{Import, Mention, Reading, Scope};
use crate::resolve::{self, Reference};
use crate::table::covers;

/// Text of files by their path below `src`, with slashes.
pub(crate) type Texts = BTreeMap<String, String>;

/// A file that is compiled when nothing is tested.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) path: String,
    /// Numbered, without those that belong to tests alone.
    pub(crate) lines: Vec<(usize, String)>,
    pub(crate) reading: Reading,
}

#[derive(Debug)]
pub(crate) struct Module {
    /// The index of its file.
    pub(crate) file: usize,
    pub(crate) parent: Option<usize>,
    /// From the root, without `crate`.
    pub(crate) path: Vec<String>,
    pub(crate) children: BTreeMap<String, usize>,
    pub(crate) items: BTreeSet<String>,
    pub(crate) imports: Vec<Import>,
    pub(crate) mentions: Vec<Mention>,
}

#[derive(Debug, Default)]
pub(crate) struct House {
    pub(crate) files: Vec<File>,
    pub(crate) modules: Vec<Module>,
    /// What the paths of all files mean.
    pub(crate) references: Vec<Reference>,
    /// Path and number of lines of the files that hold tests.
    pub(crate) tests: Vec<(String, usize)>,
    /// Files that cannot be read, declared ones that are missing, others that nothing declares.
    pub(crate) faults: Vec<String>,
    /// Paths without `.rs` of modules for tests.
    test_modules: BTreeSet<String>,
}

impl House {
    /// The source of this package.
    pub(crate) fn here() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut texts = Texts::new();
        collect(&root, &root, &mut texts);
        assert!(texts.len() > 20, "the source is where it is expected");
        Self::of(texts)
    }

    pub(crate) fn of(mut texts: Texts) -> Self {
        let mut house = Self::default();
        for root in ["lib.rs", "main.rs"] {
            if let Some(text) = texts.remove(root) {
                house.enter(root, &text, None, &mut texts);
            }
        }
        for (path, text) in texts {
            if house.test_modules.iter().any(|module| covers(module, without_mod(&path))) {
                house.tests.push((path, text.lines().count()));
            } else {
                house.faults.push(format!("src/{path}: no module declares it"));
            }
        }
        house.references = resolve::references(&house);
        house
    }

    /// Adds a file and all that it declares.
    fn enter(&mut self, path: &str, text: &str, parent: Option<usize>, texts: &mut Texts) {
        let mut reading = match Reading::of(text) {
            Ok(reading) => reading,
            Err(error) => {
                let line = error.span().start().line;
                return self.faults.push(format!("src/{path}:{line}: {error}"));
            }
        };
        self.faults.extend(reading.faults.iter().map(|fault| format!("src/{path}:{fault}")));
        let numbered = text.lines().enumerate().map(|(i, line)| (i + 1, line.to_owned()));
        let lines = numbered.filter(|(number, _)| reading.is_production(*number)).collect();
        let scopes = std::mem::take(&mut reading.scopes);
        self.files.push(File { path: path.to_owned(), lines, reading });
        let first = self.modules.len();
        let mut declared = Vec::new();
        for (i, scope) in scopes.into_iter().enumerate() {
            let around = if i == 0 { parent } else { Some(first + scope.parent) };
            let name = if i == 0 { own_name(path) } else { scope.path.last().cloned() };
            let folders = folder(path).split('/').filter(|name| !name.is_empty()).map(str::to_owned);
            let folders: Vec<_> = folders.chain(scope.path.iter().cloned()).collect();
            let stem = |name: &String| [&folders[..], std::slice::from_ref(name)].concat().join("/");
            let stems = scope.declarations.iter().map(|it| (first + i, stem(&it.name), it.is_test));
            declared.extend(stems);
            self.add(around, name, scope);
        }
        for (module, stem, is_test) in declared {
            if is_test {
                self.test_modules.insert(stem);
            } else {
                self.follow(module, &stem, texts);
            }
        }
    }

    /// Adds a module of the file that was added last.
    fn add(&mut self, parent: Option<usize>, name: Option<String>, scope: Scope) {
        let index = self.modules.len();
        let mut path = parent.map(|parent| self.modules[parent].path.clone()).unwrap_or_default();
        path.extend(name.clone());
        if let (Some(parent), Some(name)) = (parent, name) {
            self.modules[parent].children.insert(name, index);
        }
        let Scope { items, imports, mentions, .. } = scope;
        let (file, children) = (self.files.len() - 1, BTreeMap::new());
        self.modules.push(Module { file, parent, path, children, items, imports, mentions });
    }

    fn follow(&mut self, module: usize, stem: &str, texts: &mut Texts) {
        let places = [format!("{stem}.rs"), format!("{stem}/mod.rs")];
        let found = places.iter().find_map(|path| Some((path, texts.remove(path)?)));
        if let Some((path, text)) = found {
            self.enter(path, &text, Some(module), texts);
        } else {
            self.faults.push(format!("src/{stem}.rs: declared, but not there"));
        }
    }

    pub(crate) fn path(&self, file: usize) -> &str {
        &self.files[file].path
    }
}

fn collect(root: &Path, folder: &Path, texts: &mut Texts) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, texts);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let below = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
            texts.insert(below, std::fs::read_to_string(&path).unwrap());
        }
    }
}

fn without_mod(path: &str) -> &str {
    path.strip_suffix("/mod.rs").unwrap_or(path)
}

/// Where the modules are that a file declares.
fn folder(path: &str) -> &str {
    match path {
        "lib.rs" | "main.rs" => "",
        _ => without_mod(path).trim_end_matches(".rs"),
    }
}

/// The name of a file's module; a root has none.
fn own_name(path: &str) -> Option<String> {
    Some(folder(path)).filter(|folder| !folder.is_empty())?.rsplit('/').next().map(str::to_owned)
}
