//! One file in the place of another, with a way back.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

use zeroize::Zeroizing;

/// So much of a file is compared at a time.
const PIECE: usize = 64 << 10;

/// How a file got into its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Move {
    /// The file that was there stands where the new one stood.
    Exchanged,
    /// There was none.
    New,
    /// The file that was there is gone.
    Replaced,
}

/// Moves `scratch` to `target`. `None`, and nothing moved, when the target does not hold what is
/// expected.
///
/// Where the system can exchange two files, what was expected is compared with the file that was
/// there at that moment: a change cannot slip in between.
pub(super) fn put_in_place(
    scratch: &Path,
    target: &Path,
    expected: Option<&[u8]>,
) -> io::Result<Option<Move>> {
    if !holds(target, expected)? {
        return Ok(None);
    }
    let there = fs::symlink_metadata(target).ok();
    if there.as_ref().is_some_and(fs::Metadata::is_dir) {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let there = there.is_some();
    if there && swap(scratch, target)? {
        if holds(scratch, expected)? {
            return Ok(Some(Move::Exchanged));
        }
        swap(scratch, target)?;
        return Ok(None);
    }
    fs::rename(scratch, target)?;
    Ok(Some(if there { Move::Replaced } else { Move::New }))
}

/// Undoes that, so far as it can be undone.
pub(super) fn take_back(scratch: &Path, target: &Path, how: Move) {
    // The error that led here is the one to tell.
    let _ = match how {
        Move::Exchanged => swap(scratch, target).map(drop),
        Move::New => fs::rename(target, scratch),
        Move::Replaced => Ok(()),
    };
}

fn holds(path: &Path, expected: Option<&[u8]>) -> io::Result<bool> {
    let Some(mut expected) = expected else {
        return Ok(true);
    };
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let mut piece = Zeroizing::new([0; PIECE]);
    loop {
        let read = match file.read(piece.as_mut_slice()) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => piece.get(..read?).unwrap_or_default(),
        };
        match expected.strip_prefix(read) {
            _ if read.is_empty() => return Ok(expected.is_empty()),
            Some(rest) => expected = rest,
            None => return Ok(false),
        }
    }
}

/// Exchanges two files; `false` where system or file system cannot.
#[cfg(target_os = "linux")]
fn swap(a: &Path, b: &Path) -> io::Result<bool> {
    use rustix::{
        fs::{CWD, RenameFlags, renameat_with},
        io::Errno,
    };
    match renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(true),
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn swap(_: &Path, _: &Path) -> io::Result<bool> {
    Ok(false)
}
