#!/usr/bin/env python3
"""The Python client of Kubernetes as a user of the API: create, list, watch, patch, scale, delete.

usage: client.py KUBECONFIG

Prints a line for each thing that went as it should, and ends with 1 at the first that did not.
"""
import sys

from kubernetes import client, config, watch
from kubernetes.client.rest import ApiException

WAIT_MAX_S = 60
NAMESPACE = 'default'
LABELS = {'app': 'nginx'}
SET = {
    'apiVersion': 'apps/v1', 'kind': 'StatefulSet', 'metadata': {'name': 'web'},
    'spec': {
        'serviceName': 'nginx', 'replicas': 2, 'selector': {'matchLabels': LABELS},
        'template': {
            'metadata': {'labels': LABELS},
            'spec': {'containers': [{'name': 'nginx', 'image': 'nginx:1'}]},
        },
    },
}


def is_ready(pod):
    conditions = pod.status.conditions or []
    return any(c.type == 'Ready' and c.status == 'True' for c in conditions) and not pod.metadata.deletion_timestamp


def watched(core, since, is_wanted):
    """The names for which `is_wanted(event type, pod)` comes true, as they come, without repetition."""
    seen = []
    events = watch.Watch().stream(core.list_namespaced_pod, NAMESPACE, label_selector='app=nginx',
                                  resource_version=since, timeout_seconds=WAIT_MAX_S)
    for event in events:
        pod = event['object']
        if is_wanted(event['type'], pod) and pod.metadata.name not in seen:
            seen.append(pod.metadata.name)
            yield pod.metadata.name


def first(n, names):
    found = []
    for name in names:
        found.append(name)
        if len(found) == n:
            break
    return found


def check(what, found, wanted):
    if found != wanted:
        sys.exit(f'{what}: {found!r}, not {wanted!r}')
    print('ok', what)


def refusal(call, *arguments, **options):
    try:
        call(*arguments, **options)
    except ApiException as error:
        return error.status, error.reason
    return None, None


def main(kubeconfig):
    config.load_kube_config(kubeconfig)
    core, apps = client.CoreV1Api(), client.AppsV1Api()
    check('version', client.VersionApi().get_code().major, '1')

    since = core.list_namespaced_pod(NAMESPACE).metadata.resource_version
    created = apps.create_namespaced_stateful_set(NAMESPACE, SET)
    check('create', (created.metadata.name, created.spec.pod_management_policy), ('web', 'OrderedReady'))
    ready = first(2, watched(core, since, lambda kind, pod: kind == 'MODIFIED' and is_ready(pod)))
    check('watch', ready, ['web-0', 'web-1'])

    pods = core.list_namespaced_pod(NAMESPACE, label_selector='app=nginx', limit=1)
    rest = core.list_namespaced_pod(NAMESPACE, label_selector='app=nginx', _continue=pods.metadata._continue)
    check('list in pages', [pod.metadata.name for pod in pods.items + rest.items], ['web-0', 'web-1'])
    chosen = core.list_namespaced_pod(NAMESPACE, field_selector='metadata.name=web-1')
    check('list by a field', [pod.metadata.name for pod in chosen.items], ['web-1'])

    patch = {'spec': {'template': {'spec': {'containers': [{'name': 'nginx', 'image': 'nginx:2'}]}}}}
    patched = apps.patch_namespaced_stateful_set('web', NAMESPACE, patch)
    container = patched.spec.template.spec.containers[0]
    check('strategic merge patch', (container.name, container.image), ('nginx', 'nginx:2'))
    annotated = core.patch_namespaced_pod('web-0', NAMESPACE, [{'op': 'add', 'path': '/metadata/labels/a', 'value': 'b'}])
    check('JSON patch', annotated.metadata.labels['a'], 'b')

    since = core.list_namespaced_pod(NAMESPACE).metadata.resource_version
    scaled = apps.patch_namespaced_stateful_set_scale('web', NAMESPACE, {'spec': {'replicas': 1}})
    check('scale', scaled.spec.replicas, 1)
    gone = first(1, watched(core, since, lambda kind, pod: kind == 'DELETED' and pod.metadata.name == 'web-1'))
    check('watch of a deletion', gone, ['web-1'])
    scale = apps.read_namespaced_stateful_set_scale('web', NAMESPACE)
    scale.spec.replicas = 3
    check('scale replaced', apps.replace_namespaced_stateful_set_scale('web', NAMESPACE, scale).spec.replicas, 3)
    check('stale scale', refusal(apps.replace_namespaced_stateful_set_scale, 'web', NAMESPACE, scale), (409, 'Conflict'))

    settings = client.V1ConfigMap(metadata=client.V1ObjectMeta(name='settings'), data={'colour': 'red'})
    core.create_namespaced_config_map(NAMESPACE, settings)
    settings.data['colour'] = 'blue'
    check('replace', core.replace_namespaced_config_map('settings', NAMESPACE, settings).data, {'colour': 'blue'})
    check('already exists', refusal(core.create_namespaced_config_map, NAMESPACE, settings), (409, 'Conflict'))
    check('not found', refusal(core.read_namespaced_pod, 'none', NAMESPACE), (404, 'Not Found'))
    old = watch.Watch().stream(core.list_namespaced_config_map, NAMESPACE, resource_version='999999999', timeout_seconds=5)
    check('a revision of no time', refusal(next, old)[0], 410)

    deleted = apps.delete_namespaced_stateful_set('web', NAMESPACE, propagation_policy='Foreground')
    check('delete', deleted.status is not None, True)


if __name__ == '__main__':
    main(sys.argv[1])
