//! What a path means: which file of this crate defines it, or which other crate.
//!
//! Public imports are followed to the definition, through chains and globs. A private import that
//! a child takes from its parent is the parent's own, and so is what a module re-exports from
//! another crate. A name that a module is asked for and does not show is one that a macro makes
//! there. A module alone is not a definition: only what is taken from it counts.

use crate::house::House;
use crate::read::Import;

/// How this crate is called by its own binary.
const OWN_NAME: &str = env!("CARGO_PKG_NAME");
/// An import that leads to itself is followed no further.
const DEPTH_MAX: usize = 16;

/// A use of something by a file.
#[derive(Debug)]
pub(crate) struct Reference {
    pub(crate) file: usize,
    pub(crate) line: usize,
    pub(crate) target: Target,
}

#[derive(Clone, Debug)]
pub(crate) enum Target {
    Module(usize),
    /// An item of a module, and what follows in the path. With where it comes from, if the module
    /// has it from another crate.
    Own {
        module: usize,
        path: Vec<String>,
        foreign: Vec<String>,
    },
    Foreign(Vec<String>),
}

/// What all files import and mention.
pub(crate) fn references(house: &House) -> Vec<Reference> {
    let mut references = Vec::new();
    for (i, module) in house.modules.iter().enumerate() {
        let resolver = Resolver { house, file: module.file };
        let mut put = |line, targets: Vec<Target>| {
            references.extend(targets.into_iter().map(|target| Reference {
                file: module.file,
                line,
                target,
            }));
        };
        for import in &module.imports {
            put(import.line, resolver.import(i, import));
        }
        for mention in &module.mentions {
            put(mention.line, resolver.path(i, &mention.path, None, 0));
        }
    }
    references
}

/// For the paths of one file.
struct Resolver<'a> {
    house: &'a House,
    file: usize,
}

impl Resolver<'_> {
    fn import(&self, module: usize, import: &Import) -> Vec<Target> {
        let mut targets = self.path(module, &import.path, Some(import), 0);
        if import.name.is_none() {
            let own = targets.iter().filter_map(|target| self.glob(target)).collect::<Vec<_>>();
            targets.extend(own);
        }
        targets
    }

    /// A module of which all is imported counts if it has something of its own.
    fn glob(&self, target: &Target) -> Option<Target> {
        let Target::Module(module) = *target else { return None };
        let has_items = !self.house.modules[module].items.is_empty();
        has_items.then(|| Target::Own { module, path: vec!["*".to_owned()], foreign: Vec::new() })
    }

    /// What a path means in a module; `of` is the import that it belongs to, which does not explain itself.
    fn path(&self, module: usize, path: &[String], of: Option<&Import>, depth: usize) -> Vec<Target> {
        let parent = |module: usize| self.house.modules[module].parent.unwrap_or(module);
        let Some((first, rest)) = path.split_first() else { return vec![Target::Module(module)] };
        match first.as_str() {
            "crate" => self.within(self.root(module), rest, depth),
            "self" => self.within(module, rest, depth),
            "super" if rest.first().is_some_and(|next| next == "super") => {
                self.path(parent(module), rest, None, depth)
            }
            "super" => self.within(parent(module), rest, depth),
            name => {
                let found = self.find(module, path, of, depth);
                let is_foreign = found.is_empty() && (path.len() > 1 || of.is_some());
                if !is_foreign {
                    found
                } else if name == OWN_NAME {
                    self.within(0, rest, depth)
                } else {
                    vec![Target::Foreign(path.to_vec())]
                }
            }
        }
    }

    fn root(&self, mut module: usize) -> usize {
        while let Some(parent) = self.house.modules[module].parent {
            module = parent;
        }
        module
    }

    /// What a path means that is known to begin in a module.
    fn within(&self, module: usize, path: &[String], depth: usize) -> Vec<Target> {
        if path.is_empty() {
            return vec![Target::Module(module)];
        }
        let found = self.find(module, path, None, depth);
        if found.is_empty() {
            return vec![Target::Own { module, path: path.to_vec(), foreign: Vec::new() }];
        }
        found
    }

    /// All that a module has under the first name of a path: a module and a function may share one.
    fn find(&self, module: usize, path: &[String], of: Option<&Import>, depth: usize) -> Vec<Target> {
        let (name, rest) = (&path[0], &path[1..]);
        let here = &self.house.modules[module];
        if depth > DEPTH_MAX {
            return Vec::new();
        }
        let child = here.children.get(name);
        if let Some(child) = child.filter(|_| !rest.is_empty()) {
            return self.within(*child, rest, depth);
        }
        let mut found: Vec<_> = child.map(|child| Target::Module(*child)).into_iter().collect();
        if here.items.contains(name) {
            found.push(Target::Own { module, path: path.to_vec(), foreign: Vec::new() });
        }
        let others = here.imports.iter().filter(|import| of.is_none_or(|of| !std::ptr::eq(of, *import)));
        let mut globs = Vec::new();
        for import in others {
            match &import.name {
                Some(own) if own == name => found.extend(self.through(module, import, path, depth)),
                None if import.is_public || here.file == self.file => globs.push(import),
                _ => {}
            }
        }
        if found.is_empty() {
            found.extend(globs.into_iter().flat_map(|glob| self.through_glob(module, glob, path, depth)));
        }
        found
    }

    fn through(&self, module: usize, import: &Import, path: &[String], depth: usize) -> Vec<Target> {
        let is_here = self.house.modules[module].file == self.file;
        let whole: Vec<_> = import.path.iter().chain(&path[1..]).cloned().collect();
        let targets = self.path(module, &whole, Some(import), depth + 1);
        let seen_from_here = |target| match target {
            Target::Foreign(foreign) if !is_here => Target::Own { module, path: path.to_vec(), foreign },
            Target::Own { .. } if !is_here && !import.is_public => {
                Target::Own { module, path: path.to_vec(), foreign: Vec::new() }
            }
            target => target,
        };
        targets.into_iter().map(seen_from_here).collect()
    }

    fn through_glob(&self, module: usize, glob: &Import, path: &[String], depth: usize) -> Vec<Target> {
        let mut found = Vec::new();
        for target in self.path(module, &glob.path, Some(glob), depth + 1) {
            if let Target::Module(other) = target {
                found.extend(self.find(other, path, None, depth + 1));
            }
        }
        found
    }
}
