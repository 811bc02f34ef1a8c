//! Clients change the ACLs: what becomes of the file, and of what is in force.

use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::model::acl::{
    Binding, BindingFilter, Change, ChangeError, ChangeOutcome, MAX_CHANGES, MAX_LISTED, PatternFilter,
};

fn writes(topic: impl Into<String>) -> Binding {
    Binding {
        resource_type: ResourceType::Topic,
        resource_name: topic.into(),
        pattern_type: PatternType::Literal,
        principal: "User:alice".into(),
        host: "*".into(),
        operation: Operation::Write,
        permission: Permission::Allow,
    }
}

fn on(topic: Option<&str>) -> BindingFilter {
    BindingFilter {
        resource_type: Some(ResourceType::Topic),
        resource_name: topic.map(Into::into),
        pattern: PatternFilter::Any,
        principal: None,
        host: None,
        operation: None,
        permission: None,
    }
}

struct House {
    folder: Scratch,
    file: PathBuf,
    store: Arc<AclStore>,
    runtime: tokio::runtime::Runtime,
}

impl House {
    fn new(text: impl AsRef<[u8]>) -> House {
        let folder = Scratch::new();
        let file = folder.write("acls.yaml", text);
        House::of(folder, file)
    }

    fn of(folder: Scratch, file: PathBuf) -> House {
        let store = Arc::new(AclStore::open(&authorization(file.clone()), None).unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        House { folder, file, store, runtime }
    }

    fn change(&self, change: Change) -> Result<ChangeOutcome, ChangeError> {
        self.runtime.block_on(self.store.clone().change(change))
    }

    fn create(&self, topic: &str) -> Result<ChangeOutcome, ChangeError> {
        self.change(Change::Create(vec![writes(topic)]))
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.file).unwrap()
    }

    /// Nothing but the file is in its folder.
    fn is_tidy(&self) -> bool {
        std::fs::read_dir(self.folder.path()).unwrap().count() == 1
    }

    /// Refused with a text that has this in it, while file and set stay as they are.
    #[track_caller]
    fn refuses(&self, change: Change, why: &str) {
        let (text, generation) = (self.text(), self.store.generation());
        match self.change(change) {
            Err(ChangeError::ReadOnly(told)) => {
                assert!(told.starts_with("The ACLs are kept in the file /") && told.contains(why), "{told}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!((self.text(), self.store.generation()), (text, generation));
    }
}

#[test]
fn a_change_is_in_the_file_and_in_force() {
    let house = House::new(DESIGNED);
    std::fs::set_permissions(&house.file, std::fs::Permissions::from_mode(0o640)).unwrap();
    let owner =
        |file: &Path| file.metadata().map(|seen| (seen.uid(), seen.gid(), seen.mode() & 0o777)).unwrap();
    let before = owner(&house.file);
    assert!(!may_write(&house.store, "bills"));

    assert_eq!(house.create("bills"), Ok(ChangeOutcome::Created));
    assert!(may_write(&house.store, "bills") && may_write(&house.store, "orders"));
    let added = "- { principal: \"User:alice\", topic: bills, operations: [Write] }\n";
    assert_eq!(house.text(), format!("{DESIGNED}{added}"));
    assert_eq!(owner(&house.file), before);
    assert_eq!((house.store.generation(), house.store.status().bindings), (2, 7));
    assert_eq!(house.store.reload(), Reload::Unchanged, "it is known already");

    // What is there already is no change.
    assert_eq!(house.create("bills"), Ok(ChangeOutcome::Created));
    assert_eq!(house.store.generation(), 2);

    let deleted =
        house.change(Change::Delete(vec![on(Some("bills")), on(Some("nowhere")), on(Some("bills"))]));
    let one = || vec![Arc::new(writes("bills"))];
    assert_eq!(deleted, Ok(ChangeOutcome::Deleted(vec![one(), Vec::new(), one()])));
    assert!(!may_write(&house.store, "bills"));
    assert_eq!(house.text(), DESIGNED);
    assert_eq!(house.store.generation(), 3);
    assert!(house.is_tidy());
}

#[test]
fn what_the_operator_wrote_meanwhile_is_kept() {
    let house = House::new(DESIGNED);
    let edited = DESIGNED.replace("orders", "invoices");
    house.folder.write("acls.yaml", &edited);
    assert_eq!(house.create("bills"), Ok(ChangeOutcome::Created));
    assert!(house.text().starts_with(&edited));
    assert!(may_write(&house.store, "invoices") && may_write(&house.store, "bills"));
    assert!(!may_write(&house.store, "orders"));
    assert_eq!(house.store.reload(), Reload::Loaded(Vec::new()), "nobody was told of it yet");
    assert_eq!(house.store.reload(), Reload::Unchanged);

    house.folder.write("acls.yaml", "- nonsense");
    house.refuses(
        Change::Create(vec![writes("more")]),
        "which is wrong at present and has to be put right first: ",
    );
    assert!(may_write(&house.store, "bills"), "the old set stays");
    std::fs::remove_file(&house.file).unwrap();
    let gone = house.create("more").unwrap_err().to_string();
    assert!(
        gone.contains("wrong at present") && gone.ends_with("acls.yaml: there is no such file"),
        "{gone}"
    );
}

#[test]
fn a_file_that_is_not_to_be_written_is_not() {
    let create = || Change::Create(vec![writes("bills")]);
    let house = House::new(DESIGNED);
    std::fs::set_permissions(&house.file, std::fs::Permissions::from_mode(0o444)).unwrap();
    house.refuses(create(), "which doorkeeper does not change, because its mode allows nobody to write it: edit it where it comes from");

    // As the kubelet mounts a ConfigMap.
    let folder = Scratch::new();
    std::fs::create_dir(folder.path().join("..1")).unwrap();
    folder.write("..1/acls.yaml", DESIGNED);
    symlink("..1", folder.path().join("..data")).unwrap();
    symlink("..data/acls.yaml", folder.path().join("acls.yaml")).unwrap();
    let file = folder.path().join("acls.yaml");
    House::of(folder, file).refuses(create(), "mounted from a ConfigMap or a Secret");

    let house = House::new("&all\n- { principal: 'User:a', topic: t, operations: [Read] }\n");
    house.refuses(create(), "written in a way that cannot be changed without rewriting it");
}

/// Somebody may link to a file elsewhere, as long as it is a file of his own.
#[test]
fn a_link_stays_a_link() {
    let folder = Scratch::new();
    folder.write("real.yaml", DESIGNED);
    symlink("real.yaml", folder.path().join("acls.yaml")).unwrap();
    let file = folder.path().join("acls.yaml");
    let house = House::of(folder, file);
    house.create("bills").unwrap();
    assert!(house.file.is_symlink());
    assert_eq!(house.text(), std::fs::read_to_string(house.folder.path().join("real.yaml")).unwrap());
}

#[test]
fn a_byte_order_mark_stays() {
    let house = House::new(format!("\u{feff}{DESIGNED}"));
    house.create("bills").unwrap();
    assert!(house.text().starts_with("\u{feff}# acls.yaml"));
    assert_eq!(house.store.reload(), Reload::Unchanged);
}

#[test]
fn without_a_place_for_acls_nothing_is_changed() {
    let store = AclStore::open(&Authorization { acls: None, ..authorization(PathBuf::new()) }, None).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let outcome = runtime.block_on(Arc::new(store).change(Change::Create(vec![writes("t")])));
    let told =
        "this doorkeeper keeps no ACLs: name a place for them in its configuration, under authorization.acls";
    assert_eq!(outcome, Err(ChangeError::ReadOnly(told.into())));
}

#[test]
fn as_much_as_kafka_allows_is_changed_at_once_and_no_more() {
    let house = House::new("[]\n");
    let topics = |range: std::ops::Range<usize>| range.map(|i| writes(format!("t{i}"))).collect::<Vec<_>>();
    assert_eq!(house.change(Change::Create(topics(0..MAX_CHANGES + 1))), Err(ChangeError::TooMany));
    assert_eq!(house.text(), "[]\n");
    assert_eq!(house.change(Change::Create(topics(0..MAX_CHANGES))), Ok(ChangeOutcome::Created));
    assert_eq!(house.store.status().bindings, MAX_CHANGES);
    // Those that are there do not count.
    assert_eq!(house.change(Change::Create(topics(0..MAX_CHANGES + 1))), Ok(ChangeOutcome::Created));
    assert_eq!(house.change(Change::Delete(vec![on(None)])), Err(ChangeError::TooMany));
    // Filters are not counted, nor is what they select several times, but for the length of the answer.
    assert_eq!(
        house.change(Change::Delete(vec![on(Some("nowhere")); MAX_CHANGES + 1])),
        Ok(ChangeOutcome::Deleted(vec![Vec::new(); MAX_CHANGES + 1]))
    );
    assert_eq!(
        house.change(Change::Delete(vec![on(Some("t1")); 1000])).unwrap(),
        ChangeOutcome::Deleted(vec![vec![Arc::new(writes("t1"))]; 1000])
    );
    // When as many are selected as may be, no filter may select another one, and be it one of them.
    assert_eq!(house.change(Change::Delete(vec![on(None), on(Some("t2"))])), Err(ChangeError::TooMany));
    assert!(house.change(Change::Delete(vec![on(Some("t2"))])).is_ok());
    let most = MAX_LISTED / MAX_CHANGES;
    assert_eq!(house.change(Change::Delete(vec![on(None); most + 1])), Err(ChangeError::TooManyListed));
    let Ok(ChangeOutcome::Deleted(selected)) = house.change(Change::Delete(vec![on(None); most])) else {
        panic!("not deleted")
    };
    let counts: Vec<_> = selected.iter().map(Vec::len).collect();
    assert_eq!(counts, vec![MAX_CHANGES - 1; most]);
    assert_eq!((house.text().as_str(), house.store.status().bindings), ("[]\n", 0));
}

#[test]
fn a_file_that_would_be_too_large_stays_as_it_is() {
    let house = House::new("[]\n");
    let long = |i: usize| Binding { principal: format!("User:{i}{}", "x".repeat(30_000)), ..writes("t") };
    house.refuses(
        Change::Create((0..200).map(long).collect()),
        "which would become longer than 4096 KiB, the most that is read: nothing was changed. Remove what is not needed, or \
         keep the ACLs in a topic",
    );
    // What is there can be changed further.
    assert_eq!(house.create("bills"), Ok(ChangeOutcome::Created));
    assert!(may_write(&house.store, "bills"));
}

/// Two writers, one file: each waits for the other, and nothing is lost.
#[test]
fn changes_at_one_time_are_all_made() {
    let house = House::new(DESIGNED);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let changes: Vec<_> = (0..40)
        .map(|i| runtime.spawn(house.store.clone().change(Change::Create(vec![writes(format!("t{i}"))]))))
        .collect();
    for change in changes {
        assert_eq!(runtime.block_on(change).unwrap(), Ok(ChangeOutcome::Created));
    }
    assert!((0..40).all(|i| may_write(&house.store, &format!("t{i}"))));
    assert_eq!(parse(&house.text()).unwrap().bindings.len(), 46);
    assert!(house.is_tidy());
}

/// Somebody has the file open, and writes into it after a change has put another one in its place.
#[test]
fn what_is_appended_to_the_file_that_was_replaced_is_taken_over() {
    let house = House::new(DESIGNED);
    let open = || std::fs::OpenOptions::new().append(true).open(&house.file).unwrap();
    let (mut first, line) = (open(), |topic: &str| {
        format!("- {{ principal: 'User:alice', topic: {topic}, operations: [Write] }}\n")
    });
    house.create("bills").unwrap();
    let mut second = open();
    house.create("more").unwrap();
    first.write_all(line("late").as_bytes()).unwrap();
    second.write_all(line("later").as_bytes()).unwrap();
    assert_eq!(house.store.reload(), Reload::Loaded(Vec::new()));
    assert!(["orders", "bills", "more", "late", "later"].iter().all(|topic| may_write(&house.store, topic)));
    // A change looks there as well.
    first.write_all(line("last").as_bytes()).unwrap();
    house.create("another").unwrap();
    assert!(may_write(&house.store, "last") && may_write(&house.store, "another"));
    assert_eq!(parse(&house.text()).unwrap().bindings.len(), 6 + 6);
    assert!(house.is_tidy());
}

/// An operator appends line by line in place while changes are made.
#[test]
fn no_line_is_lost_that_is_appended_during_changes() {
    const LINES: usize = 400;
    let house = House::new(DESIGNED);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let file = house.file.clone();
    let written: [_; 2] = std::array::from_fn(|_| Arc::new(AtomicUsize::new(0)));
    let operators: Vec<_> = (0..2)
        .map(|operator| {
            let (file, written) = (file.clone(), written[operator].clone());
            std::thread::spawn(move || {
                for i in 0..LINES / 2 {
                    let mut open = std::fs::OpenOptions::new().append(true).open(&file).unwrap();
                    // As a shell, which does something else between the two.
                    std::thread::yield_now();
                    let line = format!(
                        "- {{ principal: 'User:operator', topic: o{operator}-{i}, operations: [Write] }}\n"
                    );
                    open.write_all(line.as_bytes()).unwrap();
                    written.store(i + 1, Ordering::Release);
                }
            })
        })
        .collect();
    let mut made = 0;
    // How many lines each operator had written, and how many changes had been made, when he was seen to write one last.
    let mut seen = [(0, 0); 2];
    while operators.iter().any(|operator| !operator.is_finished()) {
        let mut is_behind = false;
        for (written, seen) in written.iter().zip(&mut seen) {
            let lines = written.load(Ordering::Acquire);
            if lines > seen.0 {
                *seen = (lines, made);
            }
            // A machine that is busy may let an operator wait between opening and writing for longer than files are looked after.
            is_behind |= lines < LINES / 2 && made - seen.1 > 32;
        }
        if is_behind {
            std::thread::yield_now();
            continue;
        }
        let change = Change::Create(vec![writes(format!("t{made}"))]);
        match runtime.block_on(house.store.clone().change(change)) {
            Ok(_) => made += 1,
            // They write too fast for it: nothing was changed, and it is told.
            Err(ChangeError::Unavailable(why)) => {
                assert!(why.ends_with("is being written by somebody else; try again"), "{why}");
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    operators.into_iter().for_each(|operator| operator.join().unwrap());
    house.store.reload();
    let read = parse(&house.text()).unwrap();
    let of_operators = read.bindings.iter().filter(|binding| binding.principal == "User:operator").count();
    assert_eq!((of_operators, read.bindings.len()), (LINES, 6 + LINES + made));
    println!("{made} changes beside {LINES} lines");
}
