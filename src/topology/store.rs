//! Where a deployment's gallery lies, and opening it.

use std::path::Path;

use super::AssembleError;
use crate::config::Deployment;
use crate::gallery::Gallery;

/// The gallery of a deployment, or a sentence that says it has none.
pub fn open_gallery(deployment: &Deployment) -> Result<Gallery, AssembleError> {
    let path = deployment.gallery.path.as_ref();
    let path =
        path.ok_or_else(|| AssembleError::bad("the deployment has no gallery: add `[gallery]` with `path = …`"))?;
    open_in_its_folder(path)
}

/// Opens a gallery; its folder is made when it is not there yet.
pub(super) fn open_in_its_folder(path: &Path) -> Result<Gallery, AssembleError> {
    if let Some(folder) = path.parent() {
        let refused = |cause| {
            let folder = folder.display();
            AssembleError::failed(format!(
                "gallery folder {folder} cannot be made: {cause}: set `path` in `[gallery]` to a place that may be written to"
            ))
        };
        std::fs::create_dir_all(folder).map_err(refused)?;
    }
    Gallery::open(path)
        .map_err(|cause| if cause.is_of_input() { AssembleError::bad(cause) } else { AssembleError::failed(cause) })
}
