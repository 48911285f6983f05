"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

ProfileOption = Annotated[str, typer.Option("--filename", "-f", metavar="FILE", help="Profile: YAML, or - for stdin.")]
PlotOption = Annotated[
    str, typer.Option("--plot", metavar="FILE", help="Also draw a picture: a file that ends in .svg or .png.")
]

NamespaceOption = Annotated[str, typer.Option("--namespace", "-n", help="Default: that of the context.")]
ContextOption = Annotated[str, typer.Option("--context", help="Context of the kubeconfig; default: the current one.")]
KubeconfigOption = Annotated[
    str,
    typer.Option(
        "--kubeconfig", envvar="KUBECONFIG", show_envvar=False, help="Default: KUBECONFIG, else ~/.kube/config."
    ),
]
FilesOption = Annotated[
    list[str] | None,
    typer.Option("--filename", "-f", metavar="FILE", help="YAML or JSON: a file, a folder, or -; repeatable."),
]
