//! Defaults of the volumes of a pod: an empty directory when no source is named, file modes,
//! host path types.
//!
//! Volumes of specific clouds and storage systems get no defaults.

use k8s_openapi::api::core::v1::{
    DownwardAPIVolumeFile, EmptyDirVolumeSource, HostPathVolumeSource, Volume, VolumeProjection,
};

use super::absent::{drop_zero, set};
use super::claim;
use super::image::pull_policy;
use super::quantities::canonicalize;
use super::reference::{default_field_ref, default_resource_ref};

/// 0644
const FILE_MODE: i32 = 0o644;
const TOKEN_EXPIRATION_S: i64 = 60 * 60;

pub(super) fn default(volume: &mut Volume) {
    if has_no_source(volume) {
        volume.empty_dir = Some(EmptyDirVolumeSource::default());
    }
    if let Some(source) = &mut volume.empty_dir {
        canonicalize(&mut source.size_limit);
    }
    if let Some(source) = &mut volume.config_map {
        source.default_mode.get_or_insert(FILE_MODE);
    }
    if let Some(source) = &mut volume.secret {
        source.default_mode.get_or_insert(FILE_MODE);
    }
    if let Some(source) = &mut volume.downward_api {
        source.default_mode.get_or_insert(FILE_MODE);
        source.items.iter_mut().flatten().for_each(default_downward_file);
    }
    if let Some(source) = &mut volume.projected {
        source.default_mode.get_or_insert(FILE_MODE);
        source.sources.iter_mut().flatten().for_each(default_projection);
    }
    if let Some(source) = &mut volume.image {
        set(&mut source.pull_policy, pull_policy(source.reference.as_deref()));
    }
    if let Some(template) = volume.ephemeral.as_mut().and_then(|source| source.volume_claim_template.as_mut())
    {
        claim::default_spec(&mut template.spec);
    }
    if let Some(source) = &mut volume.persistent_volume_claim {
        drop_zero(&mut source.read_only);
    }
    volume.host_path.iter_mut().for_each(default_host_path);
}

pub(super) fn default_host_path(source: &mut HostPathVolumeSource) {
    source.type_.get_or_insert_default();
}

fn has_no_source(volume: &Volume) -> bool {
    *volume == Volume { name: volume.name.clone(), ..Default::default() }
}

fn default_projection(projection: &mut VolumeProjection) {
    if let Some(downward) = &mut projection.downward_api {
        downward.items.iter_mut().flatten().for_each(default_downward_file);
    }
    if let Some(token) = &mut projection.service_account_token {
        token.expiration_seconds.get_or_insert(TOKEN_EXPIRATION_S);
    }
}

fn default_downward_file(file: &mut DownwardAPIVolumeFile) {
    file.field_ref.iter_mut().for_each(default_field_ref);
    file.resource_field_ref.iter_mut().for_each(default_resource_ref);
}
